//! The pages of recipes, which are made of their folders.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;
use sessera_recipes::{Deployment, Proof, Recipe};

use super::{answers, claims, file, json, root, sample, tokenizer};

/// Where the documents say how an address is verified.
const VERIFIED: &str = "[Verified addresses](../templates.md#verified-addresses)";

/// The page of a recipe.
fn page(recipe: &Recipe) -> String {
    let Recipe { name, title, about, keys, .. } = recipe;
    let mut page = format!("# {title}\n\n{about}.\n\n");
    let rules = json(recipe, "rules.json");
    let document = rules["document"].as_str().unwrap();
    let _ = match (recipe.proof, &recipe.verifier) {
        (Proof::Tested, None) => writeln!(
            page,
            "**Tested:** the tests show such tokens to the service itself, good and bad ones.\n\
             Its [documentation]({document}) says what it asks for.\n"
        ),
        (Proof::Tested, Some(verifier)) => writeln!(
            page,
            "**Tested** with {verifier}, not with the service itself: the tests show it such tokens, good and bad ones.\n\
             The [documentation]({document}) says what the service asks for.\n"
        ),
        (Proof::Checked, _) => writeln!(
            page,
            "**Checked** against the [documented rules]({document}), not with the service itself.\n"
        ),
    };
    let needed = recipe.questions.iter().filter(|question| question.default.is_none());
    let set: Vec<String> = needed
        .map(|question| format!(" \\\n  --set {}={}", question.name, answers(recipe)[&question.name]))
        .collect();
    let set = set.concat();
    if keys.is_given {
        let _ = write!(
            page,
            "```sh\nprintf %s \"$SECRET\" > secret.txt\nsessera create template {name} --recipe {name} --secret secret.txt{set}\nrm secret.txt\n```\n\n"
        );
    } else {
        let _ = write!(page, "```sh\nsessera create template {name} --recipe {name}{set}\n```\n\n");
    }
    if !recipe.questions.is_empty() {
        page.push_str("| `--set` | what it is | default |\n|---|---|---|\n");
        for question in &recipe.questions {
            let default =
                question.default.as_ref().map_or("needed".to_owned(), |default| format!("`{default}`"));
            let form = question.form.as_ref().map_or(String::new(), |form| format!(": {}", form.words));
            let _ = writeln!(page, "| `{}` | {}{form} | {default} |", question.name, question.ask);
        }
        page.push('\n');
    }
    let key = match (&keys.rotate, keys.is_given) {
        (_, true) => "the secret that the service gives you. It belongs to this template alone, since whoever has it can make tokens".to_owned(),
        (Some(period), _) => format!("a key set that rotates every {period}"),
        (None, _) => "a key set of its own".to_owned(),
    };
    let _ = writeln!(page, "Tokens are signed with {} by {key}.", keys.algorithm);
    if let Some(refused) = file(recipe, "refuses.json").map(|_| json(recipe, "refuses.json")) {
        let refused: Vec<&str> = refused.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let _ = writeln!(page, "Nobody who has {} gets one.", refused.join(" or "));
        if refused.contains(&"an unverified address") {
            let _ = writeln!(page, "{VERIFIED} says how an address is verified.");
        }
    }
    let withheld = withheld(recipe);
    if !withheld.is_empty() {
        let _ = writeln!(page, "Without a verified address {} is left out.", withheld.join(" and "));
        let _ = writeln!(page, "{VERIFIED} says how an address is verified.");
    }
    page.push_str(
        "\nA token has these claims beside the [usual ones](../templates.md#default-claims):\n\n```json\n",
    );
    let _ = write!(
        page,
        "{}\n```\n\n## Then\n\n",
        serde_json::to_string_pretty(&json(recipe, "claims.json")).unwrap()
    );
    let address = "https://id.example.org/";
    let deployment = Deployment { issuer: address, public_url: address };
    let words = sessera_recipes::words(answers(recipe), name, deployment);
    for sentence in recipe.next_with(&words) {
        let _ = write!(page, "{sentence}\n\n");
    }
    if let Some(more) = file(recipe, "more.md") {
        let _ = writeln!(page, "{more}");
    }
    format!("{}\n", page.trim_end())
}

/// The claims that a person has with a verified address alone.
fn withheld(recipe: &Recipe) -> Vec<String> {
    let mut unverified = sample();
    unverified["identity"]["verifiable_addresses"][0]["verified"] = false.into();
    let tokenizer = tokenizer(recipe);
    // Whom a recipe refuses is told elsewhere.
    let Ok(without) = claims(&tokenizer, &unverified) else { return Vec::new() };
    let with = claims(&tokenizer, &sample()).unwrap();
    with.keys().filter(|name| !without.contains_key(*name)).map(|name| format!("`{name}`")).collect()
}

/// The list of all pages.
fn list(recipes: &[Recipe]) -> String {
    let mut list = String::from(
        "# Recipes\n\nTemplates for services that take tokens. `sessera list recipes` has this list too, and the answer of\n\
         `sessera create template` says what is left to do. `recipes/README.md` says how to add one.\n\n\
         The pages are those of a server whose `serve.public.base_url` is `https://id.example.org/`. The issuer is what stands there,\n\
         byte for byte: without a slash at its end there it has none here either.\n\n\
         | recipe | service | what for | |\n|---|---|---|---|\n",
    );
    for Recipe { name, title, about, proof, verifier, .. } in recipes {
        let with = verifier.as_ref().map_or_else(String::new, |verifier| format!(" with {verifier}"));
        let _ = writeln!(list, "| [{name}]({name}.md) | {title} | {about} | {}{with} |", proof.as_str());
    }
    list
}

/// `SESSERA_BLESS=1 cargo test --workspace --test recipes` writes docs/recipes anew.
#[test]
fn the_pages_are_those_of_the_folders() {
    let recipes = sessera_recipes::all().unwrap();
    let mut pages: BTreeMap<String, String> =
        recipes.iter().map(|recipe| (recipe.name.clone(), page(recipe))).collect();
    pages.insert("README".into(), list(&recipes));
    let folder = root().join("../docs/recipes");
    if std::env::var_os("SESSERA_BLESS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (name, page) in &pages {
            std::fs::write(folder.join(format!("{name}.md")), page).unwrap();
        }
    }
    let there = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    assert_eq!(
        there.collect::<BTreeSet<_>>(),
        pages.keys().cloned().collect(),
        "docs/recipes has other pages"
    );
    for (name, page) in pages {
        let known = std::fs::read_to_string(folder.join(format!("{name}.md"))).unwrap_or_default();
        assert!(
            known == page,
            "docs/recipes/{name}.md is not of today: SESSERA_BLESS=1 cargo test --workspace --test recipes"
        );
    }
}
