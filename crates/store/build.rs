//! A new migration changes no Rust file, so cargo is told to look at their folder.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
