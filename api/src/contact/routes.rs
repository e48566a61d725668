pub struct ContactApi;
