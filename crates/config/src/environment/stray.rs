//! Variables that nothing reads and that were meant for this program.

use std::sync::LazyLock;

use serde_json::Value;

use super::variable_name;
use crate::kind::{Key, Kind};
use crate::nearest::{listed, nearest, slip};
use crate::sections::Sections;
use crate::setting::Setting as _;
use crate::stray::{is_closed, restricts};
use crate::text;
use crate::unsupported;

/// By what names of this program alone begin: one that is like a restriction is refused. Others below a key of the first level,
/// such as `LOG_DIR`, may belong to another program, so they are told and never refused for being below it.
const OWN: &[&str] = &[
    "CLIENTS_HTTP_",
    "CLIENTS_SMTP_",
    "COOKIES_",
    "COURIER_",
    "DSN_",
    "EVENTS_SINKS_",
    "FEATURE_FLAGS_",
    "GATEWAY_ROUTES_",
    "HASHERS_",
    "IDENTITY_SCHEMAS_",
    "OAUTH2_PROVIDER_",
    "ORGANIZATIONS_",
    "SECRETS_",
    "SECURITY_ACCOUNT_",
    "SELFSERVICE_",
    "SERVE_",
    "SESSION_CACHE_",
    "SESSION_COOKIE_",
    "SESSION_UPSTREAM_",
    "SESSION_WHOAMI_",
    "TRACING_",
];

/// Variables below a key of the first level that are known to belong to others: to desktops, and to machines of Azure.
const FOREIGN: &[&str] = &["SESSION_MANAGER", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"];

/// By how many letters a name may differ from a known one to be taken for it, whatever it begins with.
const TYPING_ERROR: usize = 2;

/// A variable that nothing reads and that was meant for this program.
pub(super) struct Stray {
    /// What to say about it.
    pub(super) sentence: String,
    /// Whether a restriction is lost with it.
    pub(super) restricts: bool,
}

/// Judges a variable that nothing reads.
pub(super) fn stray(variable: &str, value: &str) -> Option<Stray> {
    let is_own = OWN.iter().any(|own| variable.starts_with(own));
    let is_told = is_own || is_below_a_root(variable) && !is_of_a_service(variable, value);
    let known = variables();
    let like = with_first_items(variable);
    let told = |about: &str| format!("the environment variable {variable} is not read{about}");
    let did_you_mean = |meant: &str| told(&format!(": did you mean {meant}?"));
    if let Some(meant) = with_prefix(&like, known) {
        return Some(Stray { sentence: did_you_mean(&meant.name), restricts: meant.restricts });
    }
    let is_ours = |meant: &str| {
        // Another program may have a variable of one or two words that is like one of ours, as COOKIE_PATH is.
        let begins_alike = meant.split('_').next() == like.split('_').next();
        is_own || begins_alike || like.split('_').count() > 2 || value.trim_start().starts_with(['[', '{'])
    };
    let is_near = |meant: &str, distance: usize| distance <= TYPING_ERROR && meant.len() > 4 * TYPING_ERROR;
    let slipped = meant(&like, value)
        .filter(|meant| is_told || is_near(&meant.variable, meant.distance) || is_ours(&meant.variable));
    if let Some(meant) = slipped.as_ref().filter(|meant| meant.restricts && is_ours(&meant.variable)) {
        return Some(Stray { sentence: did_you_mean(&meant.variable), restricts: true });
    }
    let below = is_own.then(|| misplaced_above(&like, known)).flatten();
    if let Some(meant) = misplaced(&like, known).or(below) {
        return Some(Stray { sentence: did_you_mean(&meant.name), restricts: true });
    }
    if let Some(map) = known.iter().find(|known| known.has_free_names && is_below(variable, &known.name)) {
        let about = format!(": names below {0} are free, so all of it is written as JSON into {0}", map.name);
        return Some(Stray { sentence: told(&about), restricts: false });
    }
    if let Some(meant) = slipped {
        return Some(Stray { sentence: did_you_mean(&meant.variable), restricts: false });
    }
    // Most variables belong to other programs, and a container may have a thousand of them.
    let near = known.iter().filter(|known| is_told || may_be_typing_error(&like, &known.name));
    let near = nearest(&like, near.map(|known| known.name.as_str()));
    let near = near.and_then(|near| known.iter().find(|known| known.name == near));
    let Some(near) = near.filter(|near| has_a_likeness(&near.name, &like)) else {
        return is_told.then(|| Stray { sentence: told(&about_names_beside(&like)), restricts: false });
    };
    let distance = strsim::damerau_levenshtein(&near.name, &like);
    (is_told || is_near(&near.name, distance)).then(|| Stray {
        sentence: did_you_mean(&near.name),
        restricts: near.restricts && is_ours(&near.name) && slip(&like, &near.name).is_some(),
    })
}

/// A key that was most likely meant by a variable in whose name one of the names is written with a slip.
struct Meant {
    /// Its variable.
    variable: String,
    /// By how many letters the names differ.
    distance: usize,
    /// Whether a restriction is lost with it, or it stands where every name that is not known is refused. This is judged as it
    /// is in a file.
    restricts: bool,
}

/// The key that was most likely meant by a variable.
fn meant(variable: &str, text: &str) -> Option<Meant> {
    let mut ways = Vec::new();
    look(variable, Some(Sections::KIND), &Way::default(), &mut ways);
    let value = text::of_any_type(text);
    let meant = ways.into_iter().filter_map(|way| {
        let (place, keys) = way.slipped?;
        let (around, below) = (&way.names[..place], &way.names[place + 1..]);
        let value = below.iter().rev().fold(value.clone(), |inner, name| match name.parse::<usize>() {
            Ok(_) => Value::Array(vec![inner]),
            Err(_) => Value::Object([(name.clone(), inner)].into_iter().collect()),
        });
        let names: Vec<&str> = way.names.iter().map(String::as_str).collect();
        Some(Meant {
            variable: variable_name(&names),
            distance: way.distance,
            restricts: is_closed(around) || restricts(&way.names[place], &value, keys, around),
        })
    });
    meant.min_by_key(|meant| (meant.distance, !meant.restricts))
}

/// A way to a key, on which names may be written with a slip.
#[derive(Clone, Default)]
struct Way {
    names: Vec<String>,
    distance: usize,
    /// The place of the first name with a slip, and the keys that a section has there.
    slipped: Option<(usize, &'static [Key])>,
}

impl Way {
    fn to(&self, name: &str) -> Self {
        let mut way = self.clone();
        way.names.push(name.to_owned());
        way
    }
}

/// Looks for the keys to which the rest of a name may lead. `kind` is `None` among keys of Kratos that no section has.
fn look(rest: &str, kind: Option<Kind>, way: &Way, found: &mut Vec<Way>) {
    if rest.is_empty() {
        return found.push(way.clone());
    }
    match kind {
        Some(Kind::List(inner)) => {
            let (number, after) = rest.split_once('_').unwrap_or((rest, ""));
            if number == "0" {
                look(after, Some(*inner), &way.to(number), found);
            }
        }
        Some(Kind::Any) if way.names.last().is_some_and(|name| name == "0") => {
            found.push(way.to(&rest.to_ascii_lowercase()));
        }
        None if unsupported::is_leaf(&way.names) => {
            if unsupported::has_any_below(&way.names) || rest.starts_with("0_") {
                found.push(way.to(&rest.to_ascii_lowercase()));
            }
        }
        None | Some(Kind::Object(_)) => {
            let keys = kind.map_or(&[][..], Kind::keys);
            let own = keys.iter().map(|key| (key.name, Some(key.kind)));
            let others = unsupported::names_at(&way.names).into_iter().map(|name| (name, None));
            for (name, kind) in own.chain(others) {
                for (written, after) in beginnings(rest, name) {
                    let known = variable_name(&[name]);
                    let mut way = way.to(name);
                    if written != known {
                        let may_be = may_be_typing_error(written, &known);
                        let Some(distance) = may_be.then(|| slip(written, &known)).flatten() else {
                            continue;
                        };
                        way.distance += distance;
                        way.slipped = way.slipped.or(Some((way.names.len() - 1, keys)));
                    }
                    look(after, kind, &way, found);
                }
            }
        }
        Some(_) => {}
    }
}

/// The beginnings of what is left of a name that have about as many words as a known one, each with what follows.
fn beginnings<'a>(rest: &'a str, known: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let most = known.split(['_', '-']).count() + 1;
    let ends = rest.match_indices('_').map(|(end, _)| end).chain([rest.len()]).take(most);
    ends.map(|end| (&rest[..end], rest.get(end + 1..).unwrap_or_default()))
}

/// What there is beside a name that is like none: the names of the object in which it would stand.
fn about_names_beside(variable: &str) -> String {
    let elsewhere = ": look for the right one in docs/configuration.md, or unset it".to_owned();
    let around = variable.match_indices('_').map(|(end, _)| &variable[..end]);
    let known = |around: &&str| {
        let (steps, kind) = super::steps(around)?;
        let place: Vec<String> = steps.iter().map(super::Step::name).collect();
        let own = kind.keys().iter().map(|key| key.name);
        let names = own.chain(unsupported::names_at(&place)).map(|name| variable_name(&[name]));
        Some(((*around).to_owned(), names.collect::<Vec<_>>()))
    };
    let Some((around, names)) = around.collect::<Vec<_>>().iter().rev().find_map(known) else {
        return elsewhere;
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => elsewhere,
        [name] => format!(": below {around} there is {name}"),
        names => format!(": below {around} there are {}", listed(names, "and")),
    }
}

fn is_below(variable: &str, above: &str) -> bool {
    variable.strip_prefix(above).is_some_and(|rest| rest.starts_with('_'))
}

/// Whether a name begins with a key of the first level that has others below it.
fn is_below_a_root(variable: &str) -> bool {
    static ROOTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let is_root = |kind: Kind| matches!(kind, Kind::Object(_) | Kind::Map(_));
        let own = Sections::KEYS.iter().filter(|key| is_root(key.kind)).map(|key| key.name);
        own.chain(unsupported::roots()).map(|root| format!("{}_", variable_name(&[root]))).collect()
    });
    !FOREIGN.contains(&variable) && ROOTS.iter().any(|root| variable.starts_with(root))
}

/// Whether Kubernetes gave this variable to a container, because there is a service whose name begins like a key:
/// `GATEWAY_SERVICE_HOST`, `GATEWAY_PORT` with an address, `GATEWAY_PORT_80_TCP_ADDR`.
fn is_of_a_service(variable: &str, value: &str) -> bool {
    let is_protocol = |part: &str| matches!(part, "TCP" | "UDP" | "SCTP");
    let words: Vec<&str> = variable.split('_').collect();
    let is_port = |words: &[&str]| matches!(words, ["PORT", number, protocol] if number.parse::<u16>().is_ok() && is_protocol(protocol));
    variable.contains("_SERVICE_HOST")
        || variable.contains("_SERVICE_PORT")
        || words.windows(3).any(is_port)
        || variable.ends_with("_PORT")
            && ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
}

/// Whether two names are alike where they begin to differ, so that one may stand for the other: in half of the letters.
fn has_a_likeness(known: &str, name: &str) -> bool {
    let common = known.split('_').zip(name.split('_')).take_while(|(known, name)| known == name).count();
    let rest = |name: &str| name.split('_').skip(common).collect::<Vec<_>>().join("_");
    let (known, name) = (rest(known), rest(name));
    strsim::damerau_levenshtein(&known, &name) <= known.len().max(name.len()) / 2
}

/// The variable of a key that restricts something, of whose name a name has too few words or too many between the first and
/// the last one.
fn misplaced<'a>(name: &str, known: &'a [Variable]) -> Option<&'a Variable> {
    let words: Vec<&str> = name.split('_').collect();
    let is_meant = |known: &&Variable| {
        let has_ends = known.name.split('_').next() == words.first().copied()
            && known.name.rsplit('_').next() == words.last().copied();
        if !known.restricts || !has_ends {
            return false;
        }
        let meant: Vec<&str> = known.name.split('_').collect();
        let is_long = words.len() > 1 && meant.len() > 1;
        is_long && (is_in_order_in(&words, &meant) || is_in_order_in(&meant, &words))
    };
    known.iter().filter(is_meant).min_by_key(|known| known.name.len().abs_diff(name.len()))
}

/// The variable that a name is with the name of this program before it, as other programs have it.
fn with_prefix<'a>(name: &str, known: &'a [Variable]) -> Option<&'a Variable> {
    let name = name.strip_prefix("SESSERA_")?;
    known.iter().find(|known| known.name == name)
}

/// The variable of an object that restricts something, below which a name stands that has too few words above it or too many.
fn misplaced_above<'a>(name: &str, known: &'a [Variable]) -> Option<&'a Variable> {
    let ends = name.match_indices('_').map(|(end, _)| end).skip(1);
    ends.filter_map(|end| misplaced(&name[..end], known)).last()
}

/// Whether two names may differ by so few letters as a typing error. Only those are compared letter by letter, which takes much
/// longer. A letter that is another one makes two bytes others, or three with an accent.
fn may_be_typing_error(name: &str, known: &str) -> bool {
    if name.len().abs_diff(known.len()) > 2 * TYPING_ERROR {
        return false;
    }
    let mut surplus = [0_i32; 256];
    name.bytes().for_each(|byte| surplus[usize::from(byte)] += 1);
    known.bytes().for_each(|byte| surplus[usize::from(byte)] -= 1);
    let others: u32 = surplus.iter().map(|count| count.unsigned_abs()).sum();
    others as usize <= 3 * TYPING_ERROR
}

/// Whether all words of a name stand in another one in their order.
fn is_in_order_in(words: &[&str], all: &[&str]) -> bool {
    let mut all = all.iter();
    words.iter().all(|word| all.any(|other| other == word))
}

/// A name with 0 as the number of each item.
fn with_first_items(variable: &str) -> String {
    let part = |part: &str| if part.parse::<usize>().is_ok() { "0".to_owned() } else { part.to_owned() };
    variable.split('_').map(part).collect::<Vec<_>>().join("_")
}

/// A variable that is read.
pub(super) struct Variable {
    /// Its name, with 0 as the number of each item.
    pub(super) name: String,
    /// Whether its key restricts something.
    pub(super) restricts: bool,
    /// Whether it stands for an object with any names, which have no variables of their own.
    has_free_names: bool,
}

/// All variables that are read.
pub(super) fn variables() -> &'static [Variable] {
    static VARIABLES: LazyLock<Vec<Variable>> = LazyLock::new(collected);
    &VARIABLES
}

fn collected() -> Vec<Variable> {
    fn collect(kind: Kind, path: &[&str], restricts: bool, found: &mut Vec<Variable>) {
        let has_free_names = matches!(kind, Kind::Map(_));
        let variable = || Variable { name: variable_name(path), restricts, has_free_names };
        match kind {
            Kind::Object(keys) => {
                for key in keys {
                    collect(key.kind, &[path, &[key.name]].concat(), restricts || key.restricts, found);
                }
            }
            Kind::List(inner) => {
                found.push(variable());
                let item = [path, &["0"]].concat();
                collect(*inner, &item, restricts, found);
            }
            _ => found.push(variable()),
        }
    }
    let mut found = Vec::new();
    collect(Sections::KIND, &[], false, &mut found);
    found.extend(unsupported::paths().map(|(path, restricts)| Variable {
        name: variable_name(&path),
        restricts,
        has_free_names: false,
    }));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::variable_name;
    use crate::config::read;
    use crate::load::load_all;
    use crate::loaded::Loaded;
    use crate::unsupported::KRATOS_KEYS;

    fn with(environment: &[(&str, &str)]) -> Loaded {
        let environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        load_all(&[], &environment)
    }

    #[test]
    fn what_nothing_reads_below_a_name_of_ours_is_told() {
        for name in [
            "SECRETS_X",
            "SERVE_X_Y",
            "CLIENTS_HTTP_X",
            "COOKIES_X",
            "TRACING_X",
            "SELFSERVICE_FLOWS_X",
            "GATEWAY_ROUTES_X",
            "EVENTS_SINKS_X",
            "SESSERA_LOG_LEVEL",
            "LOG_DIR",
            "AUDIT_RETAIN",
            "DATABASE_URL",
            "GATEWAY_FOO",
            "SERVE_PUBLIC_PORT_",
            "FEATURE_FLAGS_X",
        ] {
            assert_eq!(with(&[(name, "x")]).warnings.len(), 1, "{name}");
        }
        for name in ["SERVE_NOTHING_LIKE", "SESSION_WHOAMI_FOO", "LOG_DIR"] {
            let told = with(&[(name, "x")]).warnings.concat();
            assert!(told.contains("is not read: below "), "{name}: {told}");
        }
    }

    #[test]
    fn a_variable_below_free_names_is_told_how_these_are_written() {
        for (name, written) in [
            ("SESSION_WHOAMI_TOKENIZER_TEMPLATES_API_TTL", "SESSION_WHOAMI_TOKENIZER_TEMPLATES"),
            ("GATEWAY_ROUTES_API_TEMPLATE", "GATEWAY_ROUTES"),
        ] {
            let told = with(&[(name, "x")]).warnings.concat();
            assert!(told.ends_with(&format!("is written as JSON into {written}")), "{name}: {told}");
        }
    }

    #[test]
    fn what_kubernetes_and_desktops_set_is_no_warning() {
        for (name, value) in [
            ("GATEWAY_SERVICE_HOST", "10.0.0.1"),
            ("GATEWAY_SERVICE_PORT_HTTP", "80"),
            ("GATEWAY_PORT", "tcp://10.0.0.1:80"),
            ("SESSION_STORE_PORT_6379_TCP_ADDR", "10.0.0.1"),
            ("SESSION_MANAGER", "local/x"),
        ] {
            assert_eq!(with(&[(name, value)]).warnings, Vec::<String>::new(), "{name}");
        }
    }

    #[test]
    fn a_variable_that_nothing_reads_is_told_with_its_neighbour() {
        for (name, near) in [
            ("SELFSERVICE_ALLOWED_RETURN_URL", "SELFSERVICE_ALLOWED_RETURN_URLS"),
            ("SERVE_PUBLIC_HSOT", "SERVE_PUBLIC_HOST"),
            ("IDENTITY_SCHEMAS_3_URI", "IDENTITY_SCHEMAS_0_URL"),
            ("LOG_LEVLE", "LOG_LEVEL"),
            ("LOG_LÉVÉL", "LOG_LEVEL"),
            ("LOG_LEVELXY", "LOG_LEVEL"),
            ("SESSION_LIFETIME", "SESSION_LIFESPAN"),
            ("CIPHERS_ALGORITM", "CIPHERS_ALGORITHM"),
            ("SELFSERVICE_METHODS_DEVICEAUTHN_ENABLD", "SELFSERVICE_METHODS_DEVICEAUTHN_ENABLED"),
            ("FEATURE_FLAGS_FASTER_SESSION_EXTND", "FEATURE_FLAGS_FASTER_SESSION_EXTEND"),
            (
                "SELFSERVICE_METHODS_PASSKEY_CONFIG_AUTHENTICATOR_SELECTION_RESIDENT_KY",
                "SELFSERVICE_METHODS_PASSKEY_CONFIG_AUTHENTICATOR_SELECTION_RESIDENT_KEY",
            ),
            ("SECURITY_DISALLOW_REF_IN_IDENTITY_SCHEMA", "SECURITY_DISALLOW_REF_IN_IDENTITY_SCHEMAS"),
        ] {
            let warnings = with(&[(name, "x")]).warnings;
            assert!(
                warnings.len() == 1 && warnings[0].ends_with(&format!("{near}?")),
                "{name}: {warnings:?}"
            );
        }
        for (name, told) in [
            ("CIPHERS_ALGO", "is not read: below CIPHERS there is ALGORITHM"),
            (
                "DSN_SOMETHING_ELSE",
                "is not read: look for the right one in docs/configuration.md, or unset it",
            ),
        ] {
            let warnings = with(&[(name, "x")]).warnings.concat();
            assert!(warnings.ends_with(told), "{name}: {warnings}");
        }
        for other in ["PATH", "IDENTITY_ENDPOINT", "HOME", "DEVICE", "DSN2", "LOGNAME"] {
            assert_eq!(with(&[(other, "x")]).warnings, Vec::<String>::new(), "{other}");
        }
    }

    #[test]
    fn a_variable_that_is_like_one_which_restricts_is_refused_until_it_is_accepted() {
        for (name, near) in [
            ("SELFSERVICE_FLOWS_REGISTRATION_ENABELD", "SELFSERVICE_FLOWS_REGISTRATION_ENABLED"),
            ("SELFSERVICE_FLOWS_REGISTRATON_ENABLED", "SELFSERVICE_FLOWS_REGISTRATION_ENABLED"),
            ("SERVE_ADMIN_TOKENS", "SERVE_ADMIN_TOKEN"),
            ("SESSION_WHOAMI_REQUIRED_ALL", "SESSION_WHOAMI_REQUIRED_AAL"),
            ("SESSION_LIFSPAN", "SESSION_LIFESPAN"),
            ("SECURITY_ACCOUNT_ENUMERATION_MITIGATED", "SECURITY_ACCOUNT_ENUMERATION_MITIGATE"),
            ("SERVE_PUBLIC_TSL", "SERVE_PUBLIC_TLS"),
            ("SESSION_REQUIRED_AAL", "SESSION_WHOAMI_REQUIRED_AAL"),
            ("SECURITY_MITIGATE", "SECURITY_ACCOUNT_ENUMERATION_MITIGATE"),
            ("CLIENTS_DISALLOW_PRIVATE_IP_RANGES", "CLIENTS_HTTP_DISALLOW_PRIVATE_IP_RANGES"),
            ("SELFSERVICE_REGISTRATION_ENABLED", "SELFSERVICE_FLOWS_REGISTRATION_ENABLED"),
            ("SERVE_TOKEN", "SERVE_ADMIN_TOKEN"),
            ("SESSION_COOKIE_LIFESPAN", "SESSION_LIFESPAN"),
            ("SESSERA_SERVE_ADMIN_TOKEN", "SERVE_ADMIN_TOKEN"),
            ("SERVE_TLS_CERT_PATH", "SERVE_ADMIN_TLS"),
            ("SERVE_PUBLIC_TSL_CERT_PATH", "SERVE_PUBLIC_TLS_CERT_PATH"),
            ("SERVE_PUBLIC_SOCKETS_MODE", "SERVE_PUBLIC_SOCKET_MODE"),
            ("SELFSERVICE_FLOWS_LOGIN_AFTER_HOOK_0_HOOK", "SELFSERVICE_FLOWS_LOGIN_AFTER_HOOKS_0_HOOK"),
            ("SELFSERVICE_METHODS_PASWORD_ENABLED", "SELFSERVICE_METHODS_PASSWORD_ENABLED"),
            (
                "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_ORGANISATION_ID",
                "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_ORGANIZATION_ID",
            ),
        ] {
            let refused = with(&[(name, "true")]);
            let told = refused.errors.join("\n");
            assert!(refused.errors.len() == 1 && refused.warnings.is_empty(), "{name}: {refused:?}");
            assert!(told.contains(&format!("did you mean {near}?")), "{told}");
            assert!(told.ends_with(&format!("--accept-unsupported {name}")), "{told}");
            let accepted = with(&[(name, "true"), ("ACCEPT_UNSUPPORTED", name)]);
            assert!(accepted.errors.is_empty() && accepted.warnings.len() == 1, "{accepted:?}");
            let config = accepted.config().unwrap();
            assert!(
                config.notes.iter().all(|note| !note.pointer.contains("accept_unsupported")),
                "{config:?}"
            );
        }
        assert_eq!(with(&[("ORGANISATIONS", "[1]")]).errors.len(), 1);
        // Another program's, or one by which nothing is restricted.
        for (name, warnings) in [
            ("COOKIE_PATH", 1),
            ("LOG_LEVLE", 1),
            ("SERVE_PUBLIC_HSOT", 1),
            ("COOKIE", 0),
            ("ORGANISATION", 1),
        ] {
            let loaded = with(&[(name, "x")]);
            assert!(loaded.errors.is_empty() && loaded.warnings.len() == warnings, "{name}: {loaded:?}");
        }
    }

    #[test]
    fn a_slip_in_a_variable_is_judged_as_it_is_in_a_file() {
        let mut seen = 0;
        for path in KRATOS_KEYS.lines().filter(|path| path.contains('.') && !path.contains('*')) {
            let written = &path[..path.len() - 1];
            let names: Vec<&str> = written.split('.').collect();
            let tree = names.iter().rev().fold(json!("x"), |inner, name| json!({ *name: inner }));
            let found = read(&tree).1;
            let in_file = !found.mistaken.is_empty() || !found.wrong.is_empty();
            if found.unknown.is_empty() && !in_file {
                continue;
            }
            let loaded = with(&[(&variable_name(&names), "x")]);
            assert_eq!(!loaded.errors.is_empty(), in_file, "{written}: {found:?} {loaded:?}");
            seen += 1;
        }
        assert!(seen > 100, "{seen}");
    }
}
