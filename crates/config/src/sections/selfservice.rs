//! `selfservice`: what people do themselves.

use crate::address::{Address, ReturnAddress};
use crate::section::section;
use crate::sections::flows::Flows;
use crate::sections::methods::Methods;
use crate::setting::Bytes;

section! {
    /// What people do themselves.
    pub struct SelfService {
        /// Where browsers go when nothing else is said. A path, here and wherever browsers are sent, lies below `serve.public.base_url`. Default: the public address.
        default_browser_return_url: Option<Address>,
        /// Where browsers may ask to go with `return_to`: each address and what is below its path. `*.` at the beginning of a host stands for any labels before it, as in `https://*.example.org/`.
        allowed_return_urls: Vec<ReturnAddress>,
        /// Limits against abuse.
        limits: Limits,
        /// Ways to sign in.
        methods: Methods,
        /// What people do themselves.
        flows: Flows,
    }
}

section! {
    /// Limits against abuse.
    pub struct Limits {
        /// How many requests that leave something behind one client address may make in a minute: to begin a flow is one, to submit it another; 0: any number. Of IPv6, 64 bits are one client. Behind a proxy, set `serve.public.trusted_proxies`.
        @restricts requests_per_minute: u32 = 1200,
        /// How many wrong passwords for one account from one client address, and how many wrong codes for one account, are free before each next attempt has to wait longer, from a second to 15 minutes; 0: any number. Of wrong codes, one client address has four times as many for all accounts together, and of wrong passwords sixty times as many in an hour. One wrong attempt is forgotten in 15 minutes.
        @restricts free_failures: u32 = 5,
        /// How many codes for each of recovery, verification, signing in and signing up one person and one address are sent in an hour; 0: any number.
        @restricts codes_per_hour: u32 = 10,
        /// How many bytes one client address may leave in the database in an hour without an account: flows that do not end as they should, and whoever signs up; 0: any number. Each node counts by itself.
        @restricts bytes_per_hour: Bytes = "32MiB",
    }
}
