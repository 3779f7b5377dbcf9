//! Files of which others on this machine may make more use than they should.

use std::path::PathBuf;

use sessera_config::environment::Environment;
use sessera_config::{Config, ConfigFile, load_all, redact};
use sessera_issuer::templates::{secret_files, source_files};
use sessera_store::Engine;
use sessera_store::exposed::{Access, Exposed, exposed};

/// Those of the files of a configuration that others may read or write and that hold secrets or data, and those that
/// others may change and by which the server is told what to do. `files` are the configuration's own. There is no engine
/// where the address of the database is wrong.
pub fn find(files: &[ConfigFile], config: &Config, engine: Option<&Engine>) -> Vec<Exposed> {
    let mut secret = engine.map(Engine::secret_files).unwrap_or_default();
    secret.extend(secret_files(&config.templates));
    let mut told = source_files(&config.templates);
    for file in files {
        let tree = load_all(std::slice::from_ref(file), &Environment::default()).tree;
        let list = if redact::holds_secrets(&tree) { &mut secret } else { &mut told };
        // What gives its content once belongs to whoever made it.
        list.extend(file.that_may_change());
    }
    let schemas = config.identity.schemas.iter().filter_map(|(_, url)| url.strip_prefix("file://"));
    told.extend(schemas.map(PathBuf::from));
    told.extend(config.selfservice.methods.oidc.mapper_files());
    told.extend(config.pages.files());
    told.retain(|file| !secret.contains(file));
    let mut found = Vec::new();
    for (mut files, access) in [(secret, Access::ReadOrWrite), (told, Access::Write)] {
        files.sort();
        files.dedup();
        found.extend(files.iter().filter_map(|file| exposed(file, access)));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn every_file_with_secrets_and_every_file_that_others_may_change_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let url = |name: &str| format!("file://{}", path(name).display());
        std::fs::write(path("plain.yml"), "log: {level: info}\n").unwrap();
        std::fs::write(
            path("c.yml"),
            format!(
                "identity: {{schemas: [{{id: default, url: '{}'}}]}}\nselfservice: {{methods: {{oidc: {{enabled: true, config: {{providers: [{{id: p, provider: google, client_id: c, client_secret: s, mapper_url: '{}'}}]}}}}}}}}\npages: {{stylesheet: '{}'}}\nsession: {{whoami: {{tokenizer: {{templates: {{t: {{jwks_url: '{}', claims_mapper_url: '{}'}}, h: {{jwks_url: 'pkcs11:object=k?module-path=/m.so&pin-source={}'}}}}}}}}}}\nsecrets: {{cookie: [sixteen-characters]}}\n",
                url("schema.json"),
                url("provider.jsonnet"),
                url("pages.css"),
                url("keys.json"),
                url("mapper.jsonnet"),
                path("pin").display(),
            ),
        )
        .unwrap();
        let names = [
            "plain.yml",
            "c.yml",
            "schema.json",
            "provider.jsonnet",
            "pages.css",
            "keys.json",
            "mapper.jsonnet",
            "pin",
            "db",
            "db.secrets.json",
        ];
        let files = [path("plain.yml").into(), path("c.yml").into()];
        let found = |mode: u32| {
            for name in names {
                if !path(name).exists() {
                    std::fs::write(path(name), "").unwrap();
                }
                set_permissions(path(name), Permissions::from_mode(mode)).unwrap();
            }
            let config = Config::judge(&load_all(&files, &Environment::default()).tree).0;
            let found = find(&files, &config, Some(&Engine::Sqlite(path("db"))));
            let name = |exposed: Exposed| exposed.path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut names: Vec<String> = found.into_iter().map(name).collect();
            names.sort();
            names
        };
        assert_eq!(found(0o600), Vec::<String>::new());
        assert_eq!(found(0o644), ["c.yml", "db", "db.secrets.json", "keys.json", "pin"]);
        let mut all = names.map(str::to_owned).to_vec();
        all.sort();
        assert_eq!(found(0o666), all);
    }
}
