//! Keys in SoftHSM (Debian's package `softhsm2`), a token in files that has the same interface as hardware.

use std::path::Path;
use std::process::Command;

use sessera_jose::{PublicJwkSet, Signer, verify};
use sessera_pkcs11::{Pkcs11Error, open};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Runs a program that must succeed.
fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}

/// A folder with the tokens `first` and `second`, and keys on the first one.
fn tokens() -> tempfile::TempDir {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    std::fs::create_dir(folder.join("tokens")).unwrap();
    let settings = format!("directories.tokendir = {}\n", folder.join("tokens").display());
    std::fs::write(folder.join("softhsm2.conf"), settings).unwrap();
    std::fs::write(folder.join("pin"), "1234\n").unwrap();
    std::fs::write(folder.join("wrong"), "4321\n").unwrap();
    for label in ["first", "second"] {
        let arguments = ["--init-token", "--free", "--label", label, "--pin", "1234", "--so-pin", "5678"];
        run(folder, "softhsm2-util", &arguments);
    }
    let keys = [
        ("p256", "01", "EC", "ec_paramgen_curve:P-256"),
        ("rsa", "02", "RSA", "rsa_keygen_bits:2048"),
        ("p384", "03", "EC", "ec_paramgen_curve:P-384"),
        ("twice", "04", "EC", "ec_paramgen_curve:P-256"),
        ("twice", "05", "EC", "ec_paramgen_curve:P-256"),
    ];
    for (label, id, algorithm, option) in keys {
        let file = format!("{id}.pem");
        run(folder, "openssl", &["genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", &file]);
        let place = ["--token", "first", "--pin", "1234", "--label", label, "--id", id];
        run(folder, "softhsm2-util", &[&["--import", &file][..], &place].concat());
    }
    temporary
}

/// SoftHSM finds its tokens by an environment variable, so the test runs in a process of its own.
#[test]
fn a_token_signs() {
    if !Path::new(MODULE).exists() {
        eprintln!("-- skipped: keys in SoftHSM, because softhsm2 is not installed");
        return;
    }
    let folder = tokens();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "within", "--ignored", "--nocapture"])
        .env("SOFTHSM2_CONF", folder.path().join("softhsm2.conf"))
        .env("FOLDER", folder.path())
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "run by a_token_signs"]
fn within() {
    let folder = std::env::var("FOLDER").unwrap();
    let uri = |path: &str| format!("pkcs11:{path}?module-path={MODULE}&pin-source=file:{folder}/pin");
    for (path, alg) in [("token=first;object=p256", "ES256"), ("token=first;id=%02", "RS256")] {
        let key = open(&uri(path)).unwrap();
        assert!(key.is_remote());
        let public = key.public().unwrap().clone();
        assert_eq!((public.alg(), public.key_use()), (Some(alg), Some("sig")));
        assert_eq!(public.kid(), public.key().thumbprint(), "the same on every node");
        let set = PublicJwkSet::new(vec![public.clone()]);
        let signer = Signer::of_key(key).unwrap();
        // There are more callers at once than sessions.
        std::thread::scope(|scope| {
            for number in 0..16 {
                let (signer, set) = (&signer, &set);
                scope.spawn(move || {
                    let token = signer.sign_compact("JWT", format!("{{\"n\":{number}}}").as_bytes()).unwrap();
                    assert_eq!(verify::verify(&token, set).unwrap().claims().unwrap()["n"], number);
                });
            }
        });
        assert_eq!(open(&uri(path)).unwrap().public(), Some(&public), "it is given again");
    }
    let refused = |path: &str| open(&uri(path)).unwrap_err();
    assert_eq!(refused("token=third;object=p256"), Pkcs11Error::Tokens { found: 0 });
    assert_eq!(refused("object=p256"), Pkcs11Error::Tokens { found: 2 });
    assert_eq!(refused("token=first;object=nope"), Pkcs11Error::Keys { what: "private", found: 0 });
    assert_eq!(refused("token=first;object=twice"), Pkcs11Error::Keys { what: "private", found: 2 });
    assert!(open(&uri("token=first;object=twice;id=%05")).is_ok());
    assert!(matches!(refused("token=first;object=p384"), Pkcs11Error::Kind(_)));
    let module = open("pkcs11:object=k?module-path=/nowhere.so").unwrap_err();
    assert!(matches!(module, Pkcs11Error::Module { .. }), "{module}");
    let pin = open(&uri("token=first;object=p256").replace("/pin", "/nowhere")).unwrap_err();
    assert!(matches!(pin, Pkcs11Error::Pin { .. }), "{pin}");
    // Nobody has logged in to the second token yet.
    let wrong = open(&uri("token=second;object=p256").replace("/pin", "/wrong")).unwrap_err();
    assert!(matches!(&wrong, Pkcs11Error::Refused(why) if why.contains("PinIncorrect")), "{wrong}");
    assert!(!wrong.to_string().contains("4321"));
}
