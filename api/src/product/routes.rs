pub struct ProductApi;
