//! JSON Web Keys, key sets and signatures.
