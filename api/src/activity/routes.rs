pub struct ActivityApi;
