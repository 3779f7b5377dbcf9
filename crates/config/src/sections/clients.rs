//! `clients`: requests that Sessera makes to others.

use crate::section::section;

section! {
    /// Requests that Sessera makes to others.
    pub struct Clients {
        /// Requests over HTTP.
        http: Http,
        /// What web hooks and services for messages are told.
        web_hook: WebHookContext,
    }
}

section! {
    /// Requests over HTTP.
    pub struct Http {
        /// Whether requests to private addresses are refused, those of the machine itself and of the network around it; a name is judged by the addresses that it leads to. Without it, the proxies of the environment (`HTTPS_PROXY` and others) count, with it they do not. Default: true, except for URLs of the configuration whose host is written as a loopback address or as localhost.
        @restricts disallow_private_ip_ranges: Option<bool>,
        /// URLs that are called all the same, without query and fragment. `*` stands for any part of a name between dots and slashes, `**` for anything. Default: none.
        private_ip_exception_urls: Vec<String>,
    }
}

section! {
    /// What web hooks are told.
    pub struct WebHookContext {
        /// The headers of a request that bodies of web hooks, and of requests to services for messages, may be made of, whatever their case.
        @restricts header_allowlist: Vec<String> = "Accept, Accept-Encoding, Accept-Language, Content-Length, Content-Type, Origin, Priority, Referer, Sec-Ch-Ua, Sec-Ch-Ua-Mobile, Sec-Ch-Ua-Platform, Sec-Fetch-Dest, Sec-Fetch-Mode, Sec-Fetch-Site, Sec-Fetch-User, True-Client-Ip, User-Agent",
    }
}
