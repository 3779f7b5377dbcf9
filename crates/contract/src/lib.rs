//! What every route of the API shares, on whichever port it is: its answers and their statuses, what it takes from
//! requests, the layers around it, its place in the document of the port, and the routes that both ports have.

pub mod answer;
pub mod assets;
pub mod health;
pub mod held;
pub mod html;
pub mod layers;
pub mod oauth;
pub mod observe;
pub mod openapi;
pub mod paging;
pub mod request;
pub mod schemas;
