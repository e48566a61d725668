//! The black-box suite: everything over HTTP. One module for each part of the product.

mod http;
