//! `sessera demo`

use crate::run::Folder;

#[test]
fn the_whole_path_is_played_and_nothing_is_left() {
    let folder = Folder::new();
    let outcome = folder.run(&["demo"]);
    let told = outcome.printed();
    for part in [
        "$ sessera create jwk demo-keys --alg ES256",
        "$ sessera patch identity-config --quiet --add '/session/whoami/tokenizer/templates/demo={",
        "self-service/registration?flow='$FLOW",
        "sessions/whoami?tokenize_as=demo' -H 'X-Session-Token: ory_st_",
        "$ sessera get jwk demo-keys --public --format json-pretty > public.jwks.json",
        "$ sessera verify \"$TOKEN\" --jwks public.jwks.json",
        "The token is valid.",
        "\"name\": \"Ada Lovelace\"",
        "the signature is wrong",
    ] {
        assert!(told.contains(part), "{part} is missing:\n{told}");
    }
    assert!(!told.contains('\x1b'), "colours are for terminals");
    assert!(!told.contains("\"d\""), "no private key is shown");
    let stage = told.split_whitespace().find(|word| word.contains("sessera-demo-")).unwrap();
    assert!(!std::path::Path::new(stage).exists(), "{stage} is still there");
    assert_eq!(
        std::fs::read_dir(folder.path(".")).unwrap().count(),
        0,
        "nothing is written where one stands"
    );
}
