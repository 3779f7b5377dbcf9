//! The layers around routers: other origins, what is noted of each request, and what all routes answer alike.

pub(crate) mod cors;
pub(crate) mod kratos_cookies;
pub(crate) mod layers;
pub(crate) mod observe;
pub(crate) mod origin;

#[cfg(test)]
mod tests;
