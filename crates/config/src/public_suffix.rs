//! Domains below which anybody can have a name, so that a wildcard for their hosts stands for strangers.
//!
//! The whole list of such domains (publicsuffix.org) is larger than everything else in this crate. What is here are the
//! forms that most of them have, and the services that are used most.

/// Names below which nobody can register a domain, so that one label names somebody's own network.
const LOCAL: [&str; 8] = ["localhost", "local", "internal", "lan", "home", "test", "example", "invalid"];

/// What stands before the two letters of a country where names are sold one level below: `co.uk`, `com.au`, `or.jp`.
const OF_COUNTRIES: [&str; 24] = [
    "ac", "asn", "co", "com", "edu", "firm", "gen", "go", "gob", "gouv", "gov", "govt", "gv", "ltd", "mil",
    "ne", "net", "nom", "or", "org", "plc", "sch", "school", "tm",
];

/// Services that give everybody a name of their own below these.
const OF_SERVICES: [&str; 56] = [
    "amazonaws.com",
    "amplifyapp.com",
    "appspot.com",
    "azureedge.net",
    "azurefd.net",
    "azurestaticapps.net",
    "azurewebsites.net",
    "b-cdn.net",
    "blogspot.com",
    "bubbleapps.io",
    "cdn.cloudflare.net",
    "clever.app",
    "cloudapp.net",
    "cloudfront.net",
    "cloudfunctions.net",
    "codesandbox.io",
    "csb.app",
    "deno.dev",
    "digitaloceanspaces.com",
    "duckdns.org",
    "dyndns.org",
    "edgecompute.app",
    "elasticbeanstalk.com",
    "firebaseapp.com",
    "fly.dev",
    "framer.app",
    "framer.website",
    "github.dev",
    "github.io",
    "githubusercontent.com",
    "gitlab.io",
    "gitpod.io",
    "glitch.me",
    "herokuapp.com",
    "lovable.app",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.dev",
    "ngrok.io",
    "on.aws",
    "onrender.com",
    "ondigitalocean.app",
    "pages.dev",
    "railway.app",
    "replit.app",
    "replit.dev",
    "run.app",
    "surge.sh",
    "trycloudflare.com",
    "ts.net",
    "vercel.app",
    "web.app",
    "webflow.io",
    "windows.net",
    "workers.dev",
];

/// Whether one owner can be behind all hosts of a domain, in small letters.
pub(crate) fn is_own_domain(domain: &str) -> bool {
    if LOCAL.contains(&domain) {
        return true;
    }
    let labels: Vec<&str> = domain.trim_end_matches('.').split('.').collect();
    match labels.as_slice() {
        [] | [_] => false,
        all if all.iter().any(|label| label.is_empty()) => false,
        [name, country] if country.len() == 2 && OF_COUNTRIES.contains(name) => false,
        all => !OF_SERVICES.contains(&all.join(".").as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_below_which_anybody_can_have_a_name_is_nobody_s_own() {
        for own in [
            "example.org",
            "example.co.uk",
            "a.example.com.au",
            "shop.github.io",
            "localhost",
            "bbc.uk",
            "co.example",
            "web.de",
            "example.org.",
        ] {
            assert!(is_own_domain(own), "{own}");
        }
        for anybodys in [
            "org",
            "uk",
            "co.uk",
            "com.au",
            "or.jp",
            "ac.nz",
            "gov.br",
            "github.io",
            "vercel.app",
            "pages.dev",
            "com.",
            "co.uk.",
            "",
            ".",
            "a..b",
            ".org",
        ] {
            assert!(!is_own_domain(anybodys), "{anybodys}");
        }
    }
}
