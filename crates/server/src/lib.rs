//! The public and the admin API over HTTP.
