//! Everything there is to say about a configuration, as far as it can be known without its database and its ports. A server
//! that does not start tells the same errors as the command that looks at the files of one.

use anyhow::anyhow;
use sessera_config::{ConfigFile, Loaded, Problem, escape};
use sessera_issuer::published::{TemplateNotice, about, clashes, oddities};
use sessera_issuer::templates::{Broken, check, compile};
use sessera_server::serve::{StartError, judge};
use sessera_store::StoreError;
use sessera_store::exposed::Exposed;
use sessera_tokenizer::LoadError;

use crate::offline::template::{OfflineSources, broken};

/// Where the templates stand.
const TEMPLATES: &str = "/session/whoami/tokenizer/templates";

/// Everything there is to say about a configuration.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What its author should know.
    pub(crate) warnings: Vec<String>,
    /// What is wrong, broken templates included.
    pub(crate) errors: Vec<String>,
    /// The names of the templates that compile.
    pub(crate) templates: Vec<String>,
    /// What was not looked at.
    pub(crate) notes: Vec<String>,
}

impl Findings {
    /// Judges what was read of these files and the environment.
    pub(crate) fn of(files: &[ConfigFile], loaded: &Loaded) -> Self {
        let mut findings = Self::default();
        findings.check(files, loaded);
        findings
    }

    /// Checks what all sources give together.
    fn check(&mut self, files: &[ConfigFile], loaded: &Loaded) {
        let locate = |problem: &Problem| loaded.places.locate(problem);
        let (config, errors) = loaded.judged();
        self.errors = errors;
        let templates = config.templates.clone();
        let kept_by = sessera_node::snapshot::kept_by(&config);
        let base_url = config.public.base_url.clone();
        let judgement = judge(config, files);
        self.errors.extend(judgement.wrong.iter().map(locate));
        self.warnings = loaded.told(&judgement.notes);
        self.warnings.extend(judgement.exposed.iter().map(Exposed::to_string));
        let sources = match OfflineSources::with_stand_in() {
            Ok(sources) => sources,
            Err(error) => return self.errors.push(error.to_string()),
        };
        let mut working = Vec::new();
        for (name, template) in &templates {
            match check(template, kept_by).and_then(|()| compile(name, template, &sources)) {
                Ok(tokenizer) => {
                    self.templates.push(name.clone());
                    working.push((name.as_str(), tokenizer));
                }
                Err(error) => {
                    let member = error.member().map(|member| format!("/{}", escape(member)));
                    let pointer = format!("{TEMPLATES}/{}{}", escape(name), member.unwrap_or_default());
                    let sentence = match &error {
                        Broken::Load(LoadError::Mapper(_)) => broken(&error),
                        _ => error.reason(),
                    };
                    self.errors.push(loaded.places.locate(&Problem::new(pointer, sentence)));
                }
            }
        }
        let working = || working.iter().map(|(name, tokenizer)| (*name, tokenizer));
        let of_keys = |template: &str, sentence| {
            locate(&Problem::new(format!("{TEMPLATES}/{}/jwks_url", escape(template)), sentence))
        };
        self.errors.extend(clashes(working()).iter().map(|clash| of_keys(&clash.second, about(clash))));
        let odd = oddities(&base_url, working());
        self.warnings.extend(
            odd.into_iter().map(|TemplateNotice { template, sentence }| of_keys(&template, sentence)),
        );
        let mut stored = sources.stood_in_for();
        stored.sort();
        stored.dedup();
        for set in stored {
            self.notes.push(format!("set://{set} is stored by a server, so it is not looked up here"));
        }
    }
}

/// Why a server does not start, together with everything else that is wrong with its configuration, so that nobody mends
/// one error after the other.
pub(crate) fn with_all_errors(error: StartError, files: &[ConfigFile], loaded: &Loaded) -> anyhow::Error {
    let own = match error {
        StartError::Config(error) => error.problems().iter().map(Problem::to_string).collect(),
        error @ (StartError::Store(StoreError::InvalidDsn(_))
        | StartError::Secrets(_)
        | StartError::Upstream(_)) => vec![error.to_string()],
        // The configuration is not to blame.
        other => return other.into(),
    };
    let mut told = Findings::of(files, loaded).errors;
    // Secrets that somebody could take are made anew each time, so that a sentence is known by its first line.
    let first = |sentence: &str| sentence.lines().next().unwrap_or_default().to_owned();
    let is_new = |sentence: &String| told.iter().all(|known| !known.contains(&first(sentence)));
    let more: Vec<String> = own.into_iter().filter(is_new).collect();
    told.extend(more);
    anyhow!(told.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use sessera_config::environment::Environment;
    use sessera_config::load_all;

    use super::*;

    fn findings(yaml: &str) -> Findings {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.yml");
        std::fs::write(&file, yaml).unwrap();
        // Whatever files others may read by default, this one is not warned about.
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let files = [file.into()];
        Findings::of(&files, &load_all(&files, &Environment::new()))
    }

    #[test]
    fn templates_that_are_not_possible_with_an_upstream_are_told() {
        let found = findings(
            "session:\n  upstream: {url: \"http://kratos:4433\"}\n  whoami:\n    tokenizer:\n      templates:\n        a: {jwks_url: set://k, status_list: true}\n        b: {jwks_url: set://k, bearer: true}\n        c: {jwks_url: set://k}\n",
        );
        assert!(
            found.errors[0].contains("c.yml:6: ") && found.errors[0].contains("/a/status_list"),
            "{found:?}"
        );
        assert!(found.errors[1].contains("admin_url") && found.errors[1].contains("/b/bearer"), "{found:?}");
        assert_eq!(found.templates, ["c"]);
    }

    #[test]
    fn two_templates_with_different_keys_of_one_id_are_refused_as_a_server_refuses_them() {
        let key = |kid: &str| {
            let key =
                sessera_jose::generate::key(sessera_jose::Algorithm::Es256, Some(kid.into()), 0).unwrap();
            key.to_private_json().to_string()
        };
        let inline = |json: String| format!("base64://{}", BASE64.encode(json));
        let yaml = |second: &str| {
            let (a, b) = (inline(key("same")), inline(key(second)));
            format!(
                "session:\n  whoami:\n    tokenizer:\n      templates:\n        a: {{jwks_url: '{a}'}}\n        b: {{jwks_url: '{b}'}}\n"
            )
        };
        let errors = findings(&yaml("same")).errors;
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("c.yml:6: ") && errors[0].contains("\"same\""), "{errors:?}");
        assert_eq!(findings(&yaml("other")).errors, [""; 0]);
    }

    #[test]
    fn errors_and_broken_templates_are_told_together() {
        let found = findings(
            "session:\n  whoami:\n    required_aal: aal9\n    tokenizer:\n      templates:\n        odd: {}\n        good: {jwks_url: set://k}\n",
        );
        assert_eq!(found.errors.len(), 2, "{:?}", found.errors);
        assert!(found.errors[0].contains("c.yml:3: /session/whoami/required_aal: "), "{}", found.errors[0]);
        assert!(
            found.errors[1].contains("c.yml:6: /session/whoami/tokenizer/templates/odd/jwks_url: "),
            "{}",
            found.errors[1]
        );
        assert_eq!(found.templates, ["good"]);
        assert!(found.notes[0].contains("set://k"));
    }

    #[test]
    fn what_serve_refuses_is_an_error() {
        for (yaml, pointer) in [
            ("dsn: memory\n", "/dsn: "),
            ("dsn: 'sqlite:///nonexistent/dir/x.sqlite'\n", "/dsn: "),
            ("dsn: 'sqlite://x.sqlite?mode=ro'\n", "/dsn: "),
            ("dsn: 'sqlite://x.sqlite?foo=1'\n", "/dsn: "),
            ("serve: {public: {port: 5000}, admin: {port: 5000}}\n", "/serve/admin/port: "),
            (
                "selfservice: {default_browser_return_url: 'javascript:alert(1)'}\n",
                "/selfservice/default_browser_return_url: ",
            ),
            ("serve: {admin: {token: ['']}}\n", "/serve/admin/token/0: "),
            ("dsn: postgres://db/x\n", "/secrets: "),
            ("dsn_read_only: postgres://db/x\n", "/dsn_read_only: "),
            (
                "selfservice: {methods: {passkey: {enabled: true}}}\n",
                "/selfservice/methods/passkey/config/rp: ",
            ),
            ("courier: {smtp: {connection_uri: 'http://x'}}\n", "/courier/smtp/connection_uri: "),
            ("identity: {schemas: [{id: default, url: 'file:///nope'}]}\n", "/identity/schemas/0/url: "),
            ("identity: {default_schema_id: x}\n", "/identity/default_schema_id: "),
            (
                "selfservice: {methods: {passkey: {config: {authenticator_selection: {attachment: platform}}}}}\n",
                "/selfservice/methods/passkey/config/authenticator_selection/attachment",
            ),
            ("hashers: {argon2: {iterations: 11}}\n", "/hashers/argon2/iterations: "),
        ] {
            let errors = findings(yaml).errors;
            assert!(errors.len() == 1 && errors[0].contains(pointer), "{yaml}: {errors:?}");
        }
    }

    #[test]
    fn nothing_hides_anything_else() {
        let found = findings(
            "identity: {schemas: [{id: default, url: 'file:///etc/config/a.json'}]}\nlog: {level: verbose}\ndsn: memory\nsesion: {}\nsession: {whoami: {tokenizer: {templates: {odd: {}}}}}\n",
        );
        assert_eq!((found.errors.len(), found.warnings.len()), (4, 1), "{found:?}");
        let found = findings(
            "identity: {default_schema_id: b, schemas: [{id: a, url: 'file:///none/a.json'}, {id: b, url: 'file:///none/b.json'}, {id: c, url: 'base64://e30='}]}\n",
        );
        assert_eq!(found.errors.len(), 3, "{found:?}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.yml");
        std::fs::write(&file, "dsn: memory\nsecrets: {cookie: [sixteen-characters]}\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let files = [file.into()];
        let found = Findings::of(&files, &load_all(&files, &Environment::new()));
        assert_eq!((found.errors.len(), found.warnings.len()), (1, 1), "{found:?}");
    }

    #[test]
    fn what_follows_from_an_error_beside_it_is_not_told() {
        for (yaml, pointer) in [
            (
                "selfservice: {methods: {oidc: {enabled: true, config: {providers: [{id: g, provider: gooogle, client_id: a, client_secret: b, mapper_url: 'base64://e30='}]}}}}\n",
                "/providers/0/provider: ",
            ),
            ("identity: {schemas: [{id: default}]}\n", "/identity/schemas/0: "),
        ] {
            let found = findings(yaml);
            assert!(found.errors.len() == 1 && found.errors[0].contains(pointer), "{yaml}: {found:?}");
        }
        let found = findings(
            "identity: {schemas: [{id: default}, {id: b, url: 'file:///nope'}]}\nserve: {public: {port: x}}\ndsn: memory\n",
        );
        assert_eq!(found.errors.len(), 4, "{found:?}");
    }

    #[test]
    fn parameters_of_the_database_without_effect_are_told_by_name() {
        let found = findings("dsn: 'sqlite://x.sqlite?_fk=true&mode=rwc&cache=shared'\n");
        assert!(found.errors.is_empty() && found.warnings.len() == 1, "{found:?}");
        assert!(found.warnings[0].contains("/dsn: the parameter cache has no effect"), "{found:?}");
    }

    #[test]
    fn the_environment_counts() {
        let environment = Environment::from([("SERVE_PUBLIC_PORT".to_owned(), "x".to_owned())]);
        assert!(Findings::of(&[], &load_all(&[], &environment)).errors[0].contains("SERVE_PUBLIC_PORT"));
    }
}
