//! The layers around routers: bodies, other origins, what is noted of each request.

pub(crate) mod body;
pub(crate) mod cors;
pub(crate) mod layers;
pub(crate) mod observe;
pub(crate) mod origin;
pub(crate) mod sound;

#[cfg(test)]
mod tests;
