<<<<<<< HEAD
//! The black-box suite: everything over HTTP. One module for each part of the product.

mod http;
=======
//! The black-box suite: one program, so that one throw-away Postgres serves all of it.

mod database;
>>>>>>> embedded
