//! What templates make, and what is refused.

use serde_json::{Value, json};

use super::*;

const FIELDS: &[&str] = &["To", "Code", "URL", "Identity", "List"];

fn data() -> Value {
    json!({
        "To": "ada@example.org",
        "Code": "012345",
        "URL": "https://id.example.org/x?flow=1&code=012345",
        "Identity": {"id": "7", "traits": {"name": "Ada <b>\"L\"</b> & 'co'", "age": 36, "tags": ["a", "b"]}},
        "List": [{"n": 1}, {"n": 2}],
    })
}

fn parse(source: &str, format: Format) -> Result<Template, String> {
    Template::parse(source, &[], format, FIELDS).map_err(|error| error.to_string())
}

fn text(source: &str) -> String {
    parse(source, Format::Text).unwrap().render(&data()).unwrap()
}

fn html(source: &str) -> String {
    parse(source, Format::Html).unwrap().render(&data()).unwrap()
}

fn refused(source: &str, format: Format) -> String {
    parse(source, format).expect_err(source)
}

#[test]
fn templates_as_kratos_has_them_are_filled_in() {
    for (source, made) in [
        ("Use {{ .Code }} now", "Use 012345 now"),
        ("{{.Identity.traits.name}}", "Ada <b>\"L\"</b> & 'co'"),
        ("{{ index .Identity \"id\" }}", "7"),
        ("{{ index .List 1 \"n\" }}{{ (index .List 0).n }}", "21"),
        ("{{ if .Code }}a{{ else }}b{{ end }}{{ if .Identity.nobody }}a{{ else }}b{{ end }}", "ab"),
        ("{{ if eq .Code \"1\" }}a{{ else if eq .Identity.traits.age 36 }}b{{ else }}c{{ end }}", "b"),
        ("{{ with .Identity.traits }}{{ .age }} {{ $.Code }}{{ else }}x{{ end }}", "36 012345"),
        (
            "{{ range .List }}<{{ .n }}>{{ end }}{{ range .Identity.none }}x{{ else }}none{{ end }}",
            "<1><2>none",
        ),
        ("{{ range .Identity.traits.tags }}{{ . }}{{ end }}", "ab"),
        ("a \n {{- \"b\" -}} \n c", "abc"),
        ("a {{/* a comment }} */}}b\n{{- /* another */ -}}\n c", "a bc"),
        ("{{ `}}` }}{{ \"\\\"}}\\n\" }}", "}}\"}}\n"),
        (
            "{{ .To | upper }} {{ \"a b\" | title | nospace }} {{ cat .Code \"!\" }}",
            "ADA@EXAMPLE.ORG AB 012345 !",
        ),
        ("{{ default \"you\" .Identity.nick }} {{ .Code | default \"none\" }}", "you 012345"),
        (
            "{{ print (len .List) true nil 1.5 }} {{ not .Code }} {{ and 1 0 2 }} {{ or 0 \"x\" }}",
            "2true1.5 false 0 x",
        ),
        (
            "{{ lt 1 2 }}{{ ge \"b\" \"a\" }}{{ gt 1 2 }}{{ ne 1 1 }}{{ eq 3 1 2 3 }}",
            "truetruefalsefalsetrue",
        ),
        ("{{ .Identity.traits.tags }} {{ index .Identity.traits.tags 9 }}", "[a b] "),
        (
            "{{ define \"de\" }}Hallo {{ .name }}{{ end }}{{ template \"de\" .Identity.traits }}",
            "Hallo Ada <b>\"L\"</b> & 'co'",
        ),
        ("{{ urlquery .To }}", "ada%40example.org"),
    ] {
        assert_eq!(text(source), made, "{source}");
    }
}

#[test]
fn templates_call_files_beside_them() {
    let others = [("email.body.de.gotmpl".to_owned(), "Hallo {{ .Code }}".to_owned())];
    let source = "{{ if eq .To \"ada@example.org\" }}{{ template \"email.body.de.gotmpl\" . }}{{ end }}";
    let template = Template::parse(source, &others, Format::Html, FIELDS).unwrap();
    assert_eq!(template.render(&data()).unwrap(), "Hallo 012345");
    // What nobody calls is not judged as HTML.
    let others = [("email.body.plaintext.gotmpl".to_owned(), "<{{ .Code }}>".to_owned())];
    assert!(Template::parse("a", &others, Format::Html, FIELDS).is_ok());
    let called = "\n{{ template \"email.body.plaintext.gotmpl\" . }}";
    assert!(Template::parse(called, &others, Format::Html, FIELDS).is_err());
}

#[test]
fn what_is_not_known_is_refused_with_its_line() {
    for (source, said) in [
        ("\n\n{{ .Code", "line 3: {{ has no }}"),
        ("\n{{ if .Code }}", "line 2: if has no end"),
        ("{{ end }}", "line 1: end stands in no block"),
        ("a\n{{ else }}", "line 2: else stands in no block"),
        ("{{ if .Code }}\n{{ else }}\n{{ else }}{{ end }}", "line 3: a block has one else"),
        ("{{ $x := .Code }}", "line 1: variables"),
        ("{{ range $i, $x := .List }}{{ end }}", "line 1: variables"),
        ("\n{{ .Cod }}", "line 2: this message has no .Cod: it has .To, .Code"),
        ("{{ with .Code }}{{ $.Cod }}{{ end }}", "line 1: this message has no .Cod"),
        ("{{ env \"HOME\" }}", "line 1: there is no function env: there are and, or"),
        ("{{ .To | .Code }}", "line 1: | leads to a function"),
        ("{{ .To .Code }}", "line 1: a value takes no arguments"),
        ("{{ not }}", "line 1: not does not take 0 arguments"),
        ("{{ }}", "line 1: a value is missing"),
        ("{{ (.To }}", "line 1: ( has no )"),
        ("{{ .To) }}", "line 1: ) has no ("),
        ("{{ \"a }}", "line 1: {{ has no }}"),
        ("{{ \"\\x41\" }}", "line 1: a text has an escape"),
        ("{{ 1x }}", "line 1: \"1x\" is no number"),
        (
            "{{ define af-ZA }}x{{ end }}",
            "line 1: \"-ZA\" is no number: a name in which this stands is written in quotes, as in \"af-ZA\"",
        ),
        ("{{ template \"x\" }}", "line 1: there is no template \"x\""),
        ("{{ template x }}", "line 1: template has a name"),
        ("{{ if .To }}{{ define \"x\" }}{{ end }}{{ end }}", "line 1: define stands in no block"),
        ("{{ define \"x\" }}{{ end }}\n{{ define \"x\" }}{{ end }}", "line 2: there are two templates"),
        ("{{ block \"x\" . }}{{ end }}", "line 1: block is not supported"),
        ("{{ print upper .To }}", "line 1: put upper and its arguments into parentheses"),
        ("{{ end x }}", "line 1: nothing may follow end"),
    ] {
        let error = refused(source, Format::Text);
        assert!(error.starts_with(said), "{source}: {error}");
    }
    assert!(refused(&"{{ if 1 }}".repeat(10_000), Format::Text).contains("32 deep"));
    assert!(refused(&format!("{{{{ {} }}}}", "(".repeat(100_000)), Format::Text).contains("32 deep"));
    assert!(refused(&" ".repeat(MAX_SOURCE + 1), Format::Text).contains("256 KiB"));
}

#[test]
fn values_are_escaped_as_their_place_demands() {
    let name = "Ada &lt;b&gt;&#34;L&#34;&lt;/b&gt; &amp; &#39;co&#39;";
    assert_eq!(html("<p>{{ .Identity.traits.name }}</p>"), format!("<p>{name}</p>"));
    assert_eq!(html("<p title='{{ .Identity.traits.name }}'>"), format!("<p title='{name}'>"));
    assert_eq!(
        html("<a href=\"{{ .URL }}\">"),
        "<a href=\"https://id.example.org/x?flow=1&amp;code=012345\">"
    );
    assert_eq!(
        html("<a HREF = \" https://x/{{ .To }}?u={{ .URL }}\">"),
        "<a HREF = \" https://x/ada@example.org?u=https%3A%2F%2Fid.example.org%2Fx%3Fflow%3D1%26code%3D012345\">"
    );
    assert!(
        html("<a href=\"{{ if .To }}https://a{{ else }}/b?c{{ end }}{{ .URL }}\">")
            .contains("https://ahttps%3A%2F%2F")
    );
    // A list in an address is escaped as its query, even where nothing is before it.
    let list = "<a href=\"{{ range .Identity.traits.tags }}{{ . }}/{{ end }}\">{{ range .List }}<b title=\"{{ .n }}\">{{ end }}";
    assert_eq!(html(list), "<a href=\"a/b/\"><b title=\"1\"><b title=\"2\">");
    // Text that looks like a tag and is none, comments, declarations and scripts.
    assert_eq!(
        html("<!doctype html><!-- <a x=\" --> 1 < 2 {{ .Code }}<br/>"),
        "<!doctype html><!-- <a x=\" --> 1 < 2 012345<br/>"
    );
    assert_eq!(
        html("<script>if (a<b) '</scrip>'</script >{{ .To }}"),
        "<script>if (a<b) '</scrip>'</script >ada@example.org"
    );
}

#[test]
fn an_address_that_runs_a_program_leads_nowhere() {
    let template = parse("<a href=\"{{ .URL }}\">", Format::Html).unwrap();
    for (url, made) in [
        ("javascript:alert(1)", "#"),
        (" \u{1}JaVaScript:alert(1)", "#"),
        ("data:text/html,x", "#"),
        ("mailto:a@b.c", "mailto:a@b.c"),
        ("/path:x", "/path:x"),
        ("https://x/\"><b>", "https://x/%22%3E%3Cb%3E"),
    ] {
        let filled = template.render(&json!({ "URL": url })).unwrap();
        assert_eq!(filled, format!("<a href=\"{made}\">"), "{url}");
    }
}

#[test]
fn where_nothing_can_be_escaped_no_value_may_stand() {
    for source in [
        "<a href={{ .URL }}>",
        "<p class=a{{ .To }}>",
        "<{{ .To }}>",
        "<p {{ .To }}>",
        "<p {{ .To }}=\"\">",
        "<p onclick=\"{{ .To }}\">",
        "<p style=\"{{ .To }}\">",
        "<img srcset=\"{{ .To }}\">",
        "<script>{{ .To }}</script>",
        "<style>p { color: {{ .To }} }</style>",
        "<SCRIPT >{{ .To }}</SCRIPT>",
        "<!-- {{ .To }} -->",
        "<a href=\"javascript:{{ .To }}\">",
        "<a href=\"java{{ .To }}\">",
        "<a {{ if .To }}href=\"{{ end }}x\">",
        "<p {{ if .To }}title=\"{{ else }}onclick=\"{{ end }}{{ .To }}\">",
        "{{ range .List }}<p title=\"{{ end }}",
        "<p title=\"{{ define \"x\" }}{{ end }}{{ template \"x\" }}\">",
        "{{ define \"x\" }}<p title=\"{{ end }}{{ template \"x\" }}",
        "<p title=\"",
    ] {
        let error = refused(source, Format::Html);
        assert!(error.starts_with("line 1: "), "{source}: {error}");
        assert!(parse(source, Format::Text).is_ok(), "{source}");
    }
}

#[test]
fn what_a_template_does_is_bounded() {
    let fails = |source: &str, data: &Value| {
        let template = Template::parse(source, &[], Format::Text, FIELDS).unwrap();
        template.render(data).expect_err(source).to_string()
    };
    let long = json!({"To": "x".repeat(1000), "List": vec![1; 100_000]});
    assert!(fails("{{ range .List }}{{ $.To }}{{ end }}", &long).contains("256 KiB"));
    assert!(fails("{{ range .List }}{{ range $.List }}{{ end }}{{ end }}", &long).contains("too many steps"));
    assert!(
        fails("{{ range .List }}{{ with print $.List }}{{ end }}{{ end }}", &long).contains("too many steps")
    );
    let endless =
        "{{ define \"a\" }}{{ if . }}{{ template \"a\" (or . 1) }}{{ end }}{{ end }}\n{{ template \"a\" 1 }}";
    assert_eq!(fails(endless, &long), "line 1: templates call each other more than 16 deep");
    let doubling = "{{ define \"a\" }}{{ if . }}{{ template \"a\" (print . .) }}{{ end }}{{ end }}{{ template \"a\" .To }}";
    assert!(fails(doubling, &long).contains("256 KiB"));
    for (source, said) in [
        ("\n{{ lt .To 1 }}", "line 2: lt compares two numbers or two texts"),
        ("{{ len 1 }}", "line 1: len takes"),
        ("{{ range .To }}{{ end }}", "line 1: range takes"),
    ] {
        assert!(fails(source, &long).starts_with(said), "{source}");
    }
}

#[test]
fn calls_that_never_end_are_found_when_a_template_is_read() {
    for (source, said) in [
        (
            "{{ template \"a\" . }}\n{{ define \"a\" }}\n{{ template \"a\" . }}{{ end }}",
            "line 3: template \"a\" calls itself",
        ),
        (
            "{{ template \"a\" }}{{ define \"a\" }}{{ template \"b\" }}{{ end }}\n{{ define \"b\" }}{{ template \"a\" }}{{ end }}",
            "line 2: templates call each other in a circle (\"a\", \"b\")",
        ),
        (
            "{{ template \"a\" .To }}{{ define \"a\" }}x{{ template \"a\" .more }}{{ end }}",
            "line 1: template \"a\" calls",
        ),
        (
            "{{ template \"a\" . }}{{ define \"a\" }}{{ if .x }}{{ template \"a\" . }}{{ end }}{{ end }}",
            "line 1: template",
        ),
        (
            "{{ template \"a\" . }}{{ define \"a\" }}{{ with .x }}{{ template \"a\" $ }}{{ end }}{{ end }}",
            "line 1: template",
        ),
        (
            "{{ template \"a\" . }}{{ define \"a\" }}{{ with . }}{{ template \"a\" (.) }}{{ end }}{{ end }}",
            "line 1: template",
        ),
        (
            "{{ template \"a\" . }}{{ define \"a\" }}{{ range .x }}{{ else }}{{ template \"a\" . }}{{ end }}{{ end }}",
            "line 1: template",
        ),
    ] {
        let error = refused(source, Format::Text);
        assert!(error.starts_with(said), "{source}: {error}");
    }
    let chain = |length: usize| {
        let link =
            |n: usize| format!("{{{{ define \"{n}\" }}}}{{{{ template \"{}\" }}}}{{{{ end }}}}\n", n + 1);
        let links: String = (1..length).map(link).collect();
        format!("{links}{{{{ define \"{length}\" }}}}end{{{{ end }}}}{{{{ template \"1\" }}}}")
    };
    assert!(text(&chain(16)).ends_with("end"));
    assert_eq!(refused(&chain(17), Format::Text), "line 16: templates call each other more than 16 deep");
    // Whatever was looked at from elsewhere counts as deep as it is from here.
    let twice = format!("{{{{ template \"9\" }}}}{}", chain(17));
    assert!(refused(&twice, Format::Text).ends_with("16 deep"));
}

#[test]
fn calls_that_end_with_the_data_are_taken() {
    let list = json!({"List": [{"n": 1, "below": [{"n": 2, "below": [{"n": 3}]}]}, {"n": 4}]});
    for source in [
        "{{ define \"a\" }}{{ range . }}{{ .n }}{{ template \"a\" .below }}{{ end }}{{ end }}{{ template \"a\" .List }}",
        "{{ define \"a\" }}{{ .n }}{{ with .below }}{{ range . }}{{ template \"a\" . }}{{ end }}{{ end }}{{ end }}{{ range .List }}{{ template \"a\" . }}{{ end }}",
        "{{ define \"a\" }}{{ range . }}{{ .n }}{{ if .below }}{{ template \"a\" .below }}{{ end }}{{ end }}{{ end }}{{ template \"a\" .List }}",
    ] {
        assert_eq!(parse(source, Format::Text).unwrap().render(&list).unwrap(), "1234", "{source}");
    }
}

#[test]
fn what_is_wrong_in_another_file_is_told_with_its_name() {
    let other = |text: &str| [("footer.gotmpl".to_owned(), text.to_owned())];
    let source = "{{ template \"footer.gotmpl\" . }}";
    for (text, said) in [
        ("\n{{ end }}", "line 2: of footer.gotmpl: end stands in no block"),
        ("\n{{ template \"x\" }}", "line 2: of footer.gotmpl: there is no template \"x\""),
        (
            "\n\n{{ template \"footer.gotmpl\" . }}",
            "line 3: of footer.gotmpl: template \"footer.gotmpl\" calls itself",
        ),
        ("\n<p onclick=\"{{ .To }}\">", "line 2: of footer.gotmpl: "),
    ] {
        let error = Template::parse(source, &other(text), Format::Html, FIELDS).unwrap_err().to_string();
        assert!(error.starts_with(said), "{text}: {error}");
    }
}
