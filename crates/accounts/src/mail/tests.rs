//! What stands in messages.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::language::liked;

const NOW: Timestamp = Timestamp::from_seconds(1000);

fn mail(language: Language) -> CodeMail {
    CodeMail {
        code: "012345".into(),
        url: "https://id.example.org/self-service/verification?flow=1&code=012345".into(),
        expires_at: NOW + Duration::from_secs(15 * 60 - 1),
        language,
        via: EMAIL.into(),
        about: MailContext::default(),
    }
}

#[test]
fn every_language_has_every_mail_with_all_it_needs() {
    for language in Language::ALL {
        let templates = [
            "recovery_code",
            "recovery_link",
            "verification_code",
            "verification_link",
            "login_code",
            "registration_code",
        ];
        assert_eq!(catalogue(language).len(), templates.len() + 2, "{language:?}");
        for template in templates {
            let mail = mail(language).render(template, NOW).expect("is there");
            assert!(!mail.subject.is_empty() && !mail.subject.contains("012345"), "{}", mail.subject);
            for part in [&mail.text, &mail.html] {
                // What a link holds stands in its address.
                assert!(part.contains("012345") && part.contains("15"), "{part}");
                assert!(!part.contains('{'), "a place is not filled: {part}");
            }
            assert!(mail.html.contains(&format!("lang=\"{}\"", language.tag())));
        }
    }
    assert!(mail(Language::En).render("invoice", NOW).is_none());
}

#[test]
fn every_language_has_a_mail_to_those_who_have_no_account() {
    for (language, template) in Language::ALL.into_iter().flat_map(|language| {
        [
            "recovery_code_invalid",
            "recovery_link_invalid",
            "verification_code_invalid",
            "verification_link_invalid",
        ]
        .map(|template| (language, template))
    }) {
        let mail = mail(language).render(template, NOW).expect("is there");
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.is_empty() && !part.contains("012345"), "{part}");
        }
        assert!(!mail.text.contains('{') && !mail.html.contains("<a"), "{}", mail.html);
    }
}

#[test]
fn every_language_has_a_text_for_each_code_to_a_telephone_number() {
    for language in Language::ALL {
        for template in ["recovery_code", "verification_code", "login_code", "registration_code"] {
            let mut mail = CodeMail { via: SMS.into(), ..mail(language) };
            let text = mail.write(template, NOW).expect("is there").text;
            assert!(
                text.starts_with("012345 ") && text.contains("15") && !text.contains(['{', '@']),
                "{text}"
            );
            mail.about.request_url = "https://id.example.org:8443/login".into();
            let text = mail.write(template, NOW).expect("is there").text;
            assert!(text.ends_with("\n\n@id.example.org #012345"), "{text}");
        }
        let link = CodeMail { via: SMS.into(), ..mail(language) };
        assert!(link.write("recovery_link", NOW).is_none());
    }
}

#[test]
fn what_stands_in_html_is_escaped() {
    let mut mail = mail(Language::En);
    mail.url = "https://x/?a=\"><script>&b".into();
    let mail = mail.render("verification_code", NOW).expect("is there");
    assert!(mail.html.contains("https://x/?a=&quot;&gt;&lt;script&gt;&amp;b"), "{}", mail.html);
    assert!(mail.text.contains("https://x/?a=\"><script>&b"));
}

#[test]
fn what_waits_reads_back_and_hides_its_code() {
    let content = mail(Language::De).to_content();
    let read = CodeMail::parse(content.expose()).expect("reads back");
    assert_eq!((read.code.expose(), read.language), ("012345", Language::De));
    assert!(!format!("{read:?}").contains("code: \"0"), "{read:?}");
    assert!(CodeMail::parse("{}").is_none());
    let unknown = content.expose().replace("\"de\"", "\"xx\"");
    assert_eq!(CodeMail::parse(&unknown).expect("reads").language, Language::En);
}

fn base64(text: &str) -> String {
    format!("base64://{}", STANDARD.encode(text))
}

fn compile(courier: Value) -> Result<MailRules, Vec<Problem>> {
    MailRules::compile(&Config::from_tree(&json!({ "courier": courier })).unwrap())
}

/// A mail of a kind as the templates of a configuration write it.
fn written(rules: &MailRules, template: &str, language: Language) -> Result<Mail, NotSent> {
    written_for(rules, template, Some(language.tag()))
}

/// Such a mail for a reader whose browser says which languages they like.
fn written_for(rules: &MailRules, template: &str, languages: Option<&str>) -> Result<Mail, NotSent> {
    let mut content = mail(Language::accepted(languages));
    content.about = MailContext {
        liked: liked(languages),
        request_url: "https://id.example.org/login?a=1".into(),
        transient_payload: Some(json!({"brand": "A & B"})),
        traits: Some(json!({"name": "Ada"})),
        ..MailContext::default()
    };
    let mut mail = content.render(template, NOW).expect("is there");
    let identity = Some(json!({"id": "7", "traits": {"name": "Ada <x>\r\nBcc: eve@example.org"}}));
    let kind = kind_of(template);
    let language = rules.templates.language_of(&content, kind);
    let data = Data::new(&content, (kind, language), "ada@example.org", identity, NOW);
    rules.templates.write_into(&mut mail, &content, (kind, language), &data)?;
    Ok(mail)
}

#[test]
fn texts_of_the_deployment_take_the_place_of_own_ones_part_by_part() {
    let rules = compile(json!({"templates": {
        "recovery": {"valid": {"email": {"body": {"html": base64("<a href=\"{{ .RecoveryURL }}\">{{ .Identity.traits.name }}</a>")}}}},
        "recovery_code": {"valid": {"email": {
            "subject": base64("\n {{ .RecoveryCode }} for {{ .Identity.traits.name }}\n"),
            "body": {"plaintext": base64("{{ .To }} {{ .ExpiresInMinutes }} {{ .RequestURL }} {{ .TransientPayload.brand }} {{ .Language }}")},
        }}},
        "registration_code": {"valid": {"email": {"body": {"plaintext": base64("{{ .Traits.name }} {{ .RegistrationCode }}")}}}},
        "login_code": {"valid": {"email": {"subject": base64("{{ .LoginCode }}")}}},
        "verification": {"valid": {"email": {"subject": base64("{{ .VerificationURL }}")}}},
        "verification_code": {"valid": {"email": {"subject": base64("{{ .VerificationURL }} {{ .VerificationCode }}")}}},
    }}))
    .unwrap();
    let own = mail(Language::De).render("recovery_code", NOW).unwrap();
    let code = written(&rules, "recovery_code", Language::De).unwrap();
    assert_eq!(code.subject, "012345 for Ada <x> Bcc: eve@example.org", "a subject is one line");
    assert_eq!(code.text, "ada@example.org 15 https://id.example.org/login?a=1 A & B de");
    assert_eq!(code.html, own.html);
    let link = written(&rules, "recovery_link", Language::En).unwrap();
    assert!(
        link.html.starts_with("<a href=\"https://id.example.org/self-service/verification?flow=1&amp;code=")
    );
    assert!(link.html.contains("Ada &lt;x&gt;") && !link.text.contains("<a"));
    assert_eq!(written(&rules, "registration_code", Language::En).unwrap().text, "Ada 012345");
    assert_eq!(written(&rules, "login_code", Language::En).unwrap().subject, "012345");
    assert!(written(&rules, "verification_link", Language::En).unwrap().subject.ends_with("code=012345"));
    assert!(written(&rules, "verification_code", Language::En).unwrap().subject.ends_with("012345 012345"));
}

#[test]
fn a_folder_has_texts_by_kind_and_language() {
    let folder = tempfile::tempdir().unwrap();
    let kind = folder.path().join("login_code/valid");
    std::fs::create_dir_all(&kind).unwrap();
    for (name, text) in [
        ("email.subject.gotmpl", "Code {{ .LoginCode }}"),
        ("email.subject.de.gotmpl", "Der Code {{ .LoginCode }}"),
        ("email.body.gotmpl", "<p>{{ template \"email.body.html.greeting.gotmpl\" . }}</p>"),
        ("email.body.html.greeting.gotmpl", "Hello {{ .Identity.traits.name }}"),
        ("email.body.plaintext.gotmpl", "<{{ .To }}>"),
        ("email.body.plaintext.gotmpl~", "{{ nonsense"),
    ] {
        std::fs::write(kind.join(name), text).unwrap();
    }
    let url = format!("file://{}", kind.join("email.body.plaintext.gotmpl").display());
    let courier = json!({
        "template_override_path": folder.path(),
        "templates": {"recovery_code": {"valid": {"email": {"body": {"plaintext": url}}}}},
    });
    let rules = compile(courier.clone()).unwrap();
    let (german, english) = (Language::De, Language::En);
    assert_eq!(written(&rules, "login_code", german).unwrap().subject, "Der Code 012345");
    let mail = written(&rules, "login_code", english).unwrap();
    assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("Code 012345", "<ada@example.org>"));
    assert!(mail.html.starts_with("<p>Hello Ada &lt;x&gt;"), "{}", mail.html);
    assert_eq!(written(&rules, "recovery_code", english).unwrap().text, "<ada@example.org>");
    assert!(rules.templates.files().any(|file| file.ends_with("email.subject.de.gotmpl")));
    // What is named by itself goes before the folder, in all languages.
    let mut named = courier;
    named["templates"]["login_code"]["valid"]["email"]["subject"] = base64("{{ .Language }}").into();
    let rules = compile(named).unwrap();
    assert_eq!(written(&rules, "login_code", german).unwrap().subject, "de");
    std::fs::write(kind.join("email.subject.de.gotmpl"), "\n{{ .Code }}").unwrap();
    let told = compile(json!({"template_override_path": folder.path()})).unwrap_err();
    assert_eq!((told.len(), told[0].pointer.as_str()), (1, "/courier/template_override_path"));
    assert!(
        told[0].message.contains("email.subject.de.gotmpl: line 2: this message has no .Code"),
        "{}",
        told[0]
    );
    let endless = "{{ .LoginCode }}\n{{ template \"email.subject.de.gotmpl\" . }}";
    std::fs::write(kind.join("email.subject.de.gotmpl"), endless).unwrap();
    let told = compile(json!({"template_override_path": folder.path()})).unwrap_err();
    let expected = "line 2: of email.subject.de.gotmpl: template \"email.subject.de.gotmpl\" calls itself";
    assert!(told[0].message.contains(expected), "{}", told[0]);
    let told = compile(json!({"template_override_path": folder.path().join("absent")})).unwrap_err();
    assert!(told[0].message.contains("cannot be read"), "{}", told[0]);
}

#[test]
fn templates_that_nobody_reads_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("login_code/valid/email.subject.gotmpl", "{{ template \"email.subject.zzzz.gotmpl\" . }}"),
        ("login_code/valid/email.subject.zzzz.gotmpl", "Code"),
        ("login_code/valid/email.body.plaintext.fr.gotmpl", "Le code"),
        ("login_code/valid/README.md", "How they are made"),
        ("assets/logo.svg", "<svg/>"),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let notes = || {
        let rules = compile(json!({"template_override_path": folder.path()})).unwrap();
        let notes = rules.templates.notes().iter().map(|note| {
            assert_eq!(note.pointer, "/courier/template_override_path");
            note.message.clone()
        });
        notes.collect::<Vec<_>>()
    };
    assert_eq!(notes(), [""; 0]);
    for (name, said) in [
        ("login_kode/valid/email.subject.gotmpl", "did you mean \"login_code\"?"),
        ("recovery_code/valit/email.subject.gotmpl", "did you mean \"valid\"?"),
        ("login_code/valid/email.subjekt.gotmpl", "did you mean \"email.subject.gotmpl\"?"),
        ("login_code/valid/email.nonsense.gotmpl", "email.nonsense.gotmpl is not read"),
        ("login_code/valid/email.body.deutsch.gotmpl", "no template calls it"),
        ("recovery/email.subject.gotmpl", "templates lie in recovery/valid"),
        ("email.subject.gotmpl", "in folders such as recovery_code/valid"),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "Code").unwrap();
        let told = notes();
        assert!(told.len() == 1 && told[0].contains(said), "{name}: {told:?}");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn texts_of_the_deployment_are_in_whatever_language_its_readers_like() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("login_code/valid/email.subject.gotmpl", "Code"),
        ("login_code/valid/email.subject.fr.gotmpl", "Le code ({{ .Language }})"),
        ("login_code/valid/email.subject.pt-BR.gotmpl", "O c\u{f3}digo"),
        ("login_code/valid/email.body.plaintext.tlh.gotmpl", "{{ .Language }}"),
        ("login_code/valid/email.body.top.gotmpl", "{{ .No }}{{ .Such }}"),
        ("registration_code/valid/email.subject.gotmpl", "{{ .Language }}"),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let tree = json!({
        "courier": {"template_override_path": folder.path()},
        "pages": {"texts": {"tlh": base64("{}"), "fr": base64("{}")}},
    });
    let rules = MailRules::compile(&Config::from_tree(&tree).unwrap()).unwrap();
    let written = |template, header| written_for(&rules, template, Some(header)).unwrap();
    for (header, subject) in [
        ("fr-CH, en;q=0.5", "Le code (fr)"),
        ("pt-BR", "O c\u{f3}digo"),
        ("pt-PT, en", "Code"),
        ("de, fr", "Code"),
        ("es, fr;q=0.9, de;q=0.8", "Le code (fr)"),
        ("es", "Code"),
    ] {
        assert_eq!(written("login_code", header).subject, subject, "{header}");
    }
    // What has no text in that language has one in the language of Sessera's that is liked best.
    assert!(written("login_code", "fr, de;q=0.1").html.contains("lang=\"de\""));
    assert_eq!(written("login_code", "tlh").text, "tlh");
    // A text for all languages counts as one in those of the pages.
    for (header, language) in [("fr, de", "fr"), ("tlh", "tlh"), ("es", "en"), ("es, de", "de")] {
        assert_eq!(written("registration_code", header).subject, language, "{header}");
    }
    // Messages that waited before an update know only which language of Sessera's it is.
    assert_eq!(written_for(&rules, "login_code", None).unwrap().subject, "Code");
}

#[test]
fn what_cannot_be_read_is_named_with_its_place_and_line() {
    for (kind, part, url, said) in [
        ("recovery", "subject", base64("a\n{{ if }}"), "line 2: a value is missing"),
        ("login_code", "body/html", base64("<a href={{ .LoginCode }}>"), "line 1: put the value"),
        (
            "registration_code",
            "body/plaintext",
            base64("{{ .Identity }}"),
            "line 1: this message has no .Identity",
        ),
        ("verification", "subject", "https://example.org/x".into(), "leads to the network"),
        ("recovery_code", "subject", "file:///no/such/file".into(), "/no/such/file"),
    ] {
        let mut email = json!({"body": {}});
        let mut place = &mut email;
        for name in part.split('/') {
            place = &mut place[name];
        }
        *place = url.into();
        let told = compile(json!({"templates": {kind: {"valid": {"email": email}}}})).unwrap_err();
        assert_eq!(told[0].pointer, format!("/courier/templates/{kind}/valid/email/{part}"));
        assert!(told[0].message.contains(said), "{}", told[0]);
    }
}

#[test]
fn a_template_that_cannot_be_filled_in_may_be_mended() {
    let subject = base64("{{ lt .Identity 1 }}");
    let rules =
        compile(json!({"templates": {"login_code": {"valid": {"email": {"subject": subject}}}}})).unwrap();
    let Err(NotSent::Later(reason)) = written(&rules, "login_code", Language::En) else {
        panic!("was filled in")
    };
    assert!(reason.contains("login_code/valid/email.subject") && reason.contains("line 1"), "{reason}");
}
