pub struct AccountApi;
