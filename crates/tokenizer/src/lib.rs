//! Tokenizer templates: a session comes in, a signed JSON Web Token goes out.
