//! The layers around the routes of the public port: pages of other origins, addresses that act when they are opened, and cookies of an Ory Kratos.

pub(crate) mod cors;
pub(crate) mod kratos_cookies;
pub(crate) mod navigation;
pub(crate) mod origin;

#[cfg(test)]
mod tests;
