//! `sessera jsonnet`

use crate::run::Folder;

#[test]
fn results_are_laid_out_as_go_jsonnet_does_it() {
    let folder = Folder::new();
    folder.write("p.jsonnet", "{ b: [1, 2.5, {}], a: 'x', h:: 1 }");
    let expected = "{\n   \"a\": \"x\",\n   \"b\": [\n      1,\n      2.5,\n      { }\n   ]\n}\n";
    assert_eq!(folder.run(&["jsonnet", "p.jsonnet"]).printed(), expected);
    assert_eq!(folder.run_with_input(&["jsonnet", "-"], "1 + 1").printed(), "2\n");
    assert_eq!(folder.run_with_input(&["jsonnet", "-", "--string"], "'a\\nb'").printed(), "a\nb");
    assert!(folder.run_with_input(&["jsonnet", "-", "--string"], "1").refused().contains("--string"));
}

#[test]
fn variables_come_as_texts_code_and_files() {
    let folder = Folder::new();
    folder.write("text", "{\"not\": \"parsed\"}");
    folder.write("value.json", "{\"n\": [1]}");
    let program = "std.extVar('s') + std.extVar('c').n + std.extVar('v').n[0] + std.length(std.extVar('t'))";
    let arguments = [
        "jsonnet",
        "-",
        "--ext-str",
        "s=a=b",
        "--ext-code",
        "c={n: 1 + 1}",
        "--ext-str-file",
        "t=text",
        "--ext-code-file",
        "v=value.json",
    ];
    assert_eq!(folder.run_with_input(&arguments, program).printed(), "\"a=b2117\"\n");
    let missing = folder.run_with_input(&["jsonnet", "-"], "std.extVar('nothing')");
    assert!(missing.refused().contains("nothing"));
    assert!(
        folder
            .run_with_input(&["jsonnet", "-", "--ext-str", "UNSET_VARIABLE"], "1")
            .refused()
            .contains("UNSET_VARIABLE")
    );
    assert!(
        folder.run_with_input(&["jsonnet", "-", "--ext-code", "x={"], "1").refused().contains("<extvar:x>:1")
    );
}

#[test]
fn errors_come_with_an_excerpt_and_nothing_on_standard_output() {
    let folder = Folder::new();
    folder.write("bad.jsonnet", "{\n  a: 1 +,\n}");
    let outcome = folder.run(&["jsonnet", "bad.jsonnet"]);
    let said = outcome.refused();
    assert!(
        said.contains("bad.jsonnet:2:9") && said.contains("2 |   a: 1 +,") && said.contains('^'),
        "{said}"
    );
    assert_eq!(outcome.stdout, "");
    let said = folder.run_with_input(&["jsonnet", "-"], "error 'on purpose'");
    assert!(said.refused().contains("on purpose") && said.stderr.contains("<stdin>:1:1"));
    assert!(folder.run_with_input(&["jsonnet", "-"], "import 'x'").refused().contains("import"));
    assert!(folder.run(&["jsonnet", "absent.jsonnet"]).refused().contains("absent.jsonnet"));
}

#[test]
fn limits_end_it_and_name_the_option() {
    let folder = Folder::new();
    let endless = "local f(x) = if x > 0 then f(x + 1) tailstrict else 0; f(1)";
    assert!(folder.run_with_input(&["jsonnet", "-"], endless).refused().contains("--max-fuel"));
    let long = "std.length(std.range(1, 30000))";
    assert!(
        folder.run_with_input(&["jsonnet", "-", "--max-fuel", "100"], long).refused().contains("--max-fuel")
    );
    assert_eq!(folder.run_with_input(&["jsonnet", "-"], long).printed(), "30000\n");
    assert!(
        folder
            .run_with_input(&["jsonnet", "-", "--max-memory", "1000"], long)
            .refused()
            .contains("--max-memory")
    );
    assert!(
        folder
            .run_with_input(&["jsonnet", "-", "--max-output", "10"], "std.range(1, 100)")
            .refused()
            .contains("--max-output")
    );
}

#[test]
fn traces_go_to_standard_error() {
    let outcome = Folder::new().run_with_input(&["jsonnet", "-"], "std.trace('seen', 1)");
    assert_eq!(outcome.printed(), "1\n");
    assert!(outcome.stderr.contains("TRACE: <stdin>:1 seen"));
}
