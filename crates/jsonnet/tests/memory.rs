//! No evaluation takes more memory than its limit, measured by an allocator that counts. It counts a list
//! that grows twice, in its old and in its new place, so what it measures is the worst that any allocator
//! does.

mod programs;

use peak_alloc::PeakAlloc;
use sessera_jsonnet::{Limits, Program, Variables};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;

/// What may be allocated beside what the limit counts: lists that the thread keeps for its next evaluation,
/// the error, and what a function of the library needs for one number.
const BESIDE: usize = 2 * MIB;

/// What the parse of a source may allocate.
const PARSE: usize = 28 * MIB;

/// Parts of programs, which make sources of many words and signs when they are repeated.
const PARTS: &[&str] = &[
    "1,",
    "[],",
    "{},",
    "{a:1},",
    "a.b,",
    "a(1),",
    "'',",
    "[1][0],",
    "-1,",
    "a+a,",
    "a[1:2],",
    "a{},",
    "function(x)x,",
    "local a=1;a,",
    "if a then a,",
    "[a for a in a],",
    "{[a]:a for a in a},",
];

/// Programs that allocate in every way there is. N is a size.
const ALLOCATING: &[&str] = &[
    // Lists
    "std.length(std.makeArray(N, function(i) i))",
    "std.makeArray(N, function(i) i)",
    "std.range(1, N)",
    "std.length(std.map(function(x) x, std.range(1, N)))",
    "std.length(std.mapWithIndex(function(i, x) x, std.range(1, N)))",
    "std.length(std.filter(function(x) true, std.range(1, N)))",
    "std.length(std.filterMap(function(x) true, function(x) x, std.range(1, N)))",
    "std.length(std.flatMap(function(x) [x, x], std.range(1, N)))",
    "std.length(std.flatMap(function(x) x + x, std.repeat('x', N)))",
    "std.length([x for x in std.range(1, N) if true])",
    "std.length({ ['k' + x]: x for x in std.range(1, N) })",
    "{ ['k' + x]: x for x in std.range(1, N) }",
    "std.length(std.reverse(std.range(1, N)))",
    "std.length(std.sort(std.range(1, N), function(x) -x))",
    "std.length(std.set(std.range(1, N)))",
    "std.length(std.uniq(std.range(1, N)))",
    "std.length(std.setUnion(std.range(1, N), std.range(1, N)))",
    "std.length(std.setInter(std.range(1, N), std.range(1, N)))",
    "std.length(std.find(1, std.repeat([1], N)))",
    "std.length(std.remove(std.repeat([1], N), 1))",
    "std.length(std.repeat([1, 2], N))",
    "std.length(std.join([0], std.makeArray(N, function(i) [i])))",
    "std.length(std.flattenArrays(std.makeArray(N, function(i) [i])))",
    "std.length(std.flattenDeepArray(std.makeArray(N, function(i) [i])))",
    "std.length(std.prune(std.range(1, N)))",
    "std.length(std.range(1, N)[::2])",
    "std.length(std.range(1, N) + std.range(1, N))",
    "std.length(std.removeAt(std.range(1, N), 0))",
    "std.equals(std.range(1, N), std.range(1, N))",
    "local f(n) = if n == 0 then [] else [n] + f(n - 1); std.length(f(450))",
    // Strings
    "std.length(std.repeat('x', N))",
    "std.repeat('x', N)",
    "std.length(std.repeat('x', N) + std.repeat('y', N))",
    "std.length(std.repeat('x', N) + [1])",
    "std.length([1] + std.repeat('x', N))",
    "std.length(std.toString([std.repeat('\\u0001', N)]))",
    "std.length(std.join(std.repeat(',', 10), std.makeArray(N, function(i) 'x')))",
    "std.length(std.lines(std.makeArray(N, function(i) 'x')))",
    "std.length(std.deepJoin(std.makeArray(N, function(i) ['x'])))",
    "std.length(std.strReplace(std.repeat('x', N), 'x', 'yyyyyyyy'))",
    "std.length(std.split(std.repeat('x,', N), ','))",
    "std.length(std.splitLimitR(std.repeat('x,', N), ',', -1))",
    "std.length(std.findSubstr('x', std.repeat('x', N)))",
    "std.length(std.stringChars(std.repeat('x', N)))",
    "std.length(std.stripChars(std.repeat('x', N) + 'y', std.repeat('x', N)))",
    "std.length(std.asciiUpper(std.repeat('é', N)))",
    "std.length(std.asciiUpper(std.repeat(['x'], N)))",
    "std.length(std.substr(std.repeat('é', N), 1, N))",
    "std.length(std.repeat('é', N)[1:])",
    "std.length(std.repeat('é', N)[::2])",
    "std.length(std.repeat('é', 1000)[:1000:0.001])",
    "std.length(std.escapeStringJson(std.repeat('\\u0001', N)))",
    "std.length(std.escapeStringBash(std.repeat(\"'\", N)))",
    "std.length(std.escapeStringDollars(std.repeat('$', N)))",
    "std.length(std.escapeStringXML(std.repeat('\"', N)))",
    "std.length(std.base64(std.repeat('x', N)))",
    "std.length(std.base64(std.repeat([65], N)))",
    "std.length(std.base64Decode(std.repeat('////', N)))",
    "std.length(std.base64DecodeBytes(std.repeat('////', N)))",
    "std.length(std.encodeUTF8(std.repeat('x', N)))",
    "std.length(std.decodeUTF8(std.repeat([255], N)))",
    "std.foldl(function(s, i) s + 'x', std.range(1, N), '')",
    "std.resolvePath(std.repeat('x', N) + '/', std.repeat('y', N))",
    "std.trace(std.repeat('x', N), 1)",
    // Formats
    "std.length('%Ns' % 'x')",
    "std.length('%-Ns' % 'x')",
    "std.length('%0Nd' % 1)",
    "std.length('%.Nd' % 1)",
    "std.length('%.Nx' % 1)",
    "std.length('%0Nf' % 1)",
    "std.length('%0Ne' % 1)",
    "std.length('%*d' % [N, 1])",
    "std.length(std.repeat('%s', N) % std.range(1, N))",
    "std.length(std.repeat('%%', N) % [])",
    "std.length(std.repeat('x', N) % [])",
    "std.length('%s' % [std.repeat('x', N)])",
    "std.length('%(a)s' % { a: std.repeat('x', N) })",
    "std.length(std.format(std.repeat(['x'], N), []))",
    // Errors
    "error std.repeat('x', N)",
    "error std.repeat(['x'], N)",
    "{}[std.repeat('x', N)]",
    "std.parseInt(std.repeat('\\u0080', N))",
    "std.parseHex(std.repeat('\\u0080', N))",
    "std.assertEqual(std.repeat('\\u0001', N), [1])",
    "{ [std.repeat('x', N)]: 1, [std.repeat('x', N)]: 2 }",
    "std.extVar(std.repeat('x', N))",
    "1 + {}[std.repeat('x', N)]",
    // Other formats
    "std.length(std.manifestJson(std.range(1, N)))",
    "std.length(std.manifestJsonEx([1, [2, [3]]], std.repeat(' ', N)))",
    "std.length(std.manifestJsonEx([1], '', std.repeat(' ', N)))",
    "std.length(std.manifestJsonEx({ a: 1 }, '', '', std.repeat(' ', N)))",
    "std.length(std.manifestJsonMinified(std.repeat('\\u2028', N)))",
    "std.length(std.manifestPython([std.repeat('\\u0001', N)]))",
    "std.length(std.manifestPythonVars({ a: std.range(1, N) }))",
    "std.length(std.manifestYamlDoc([std.repeat('\\u0001', N)]))",
    "std.length(std.manifestYamlDoc({ a: { b: std.repeat('x\\n', N) } }))",
    "std.length(std.manifestYamlStream(std.range(1, N)))",
    "std.length(std.manifestToml({ a: std.range(1, N), b: { c: 1 } }))",
    "std.length(std.manifestTomlEx({ a: { b: { c: [1, 2] } } }, std.repeat(' ', N)))",
    "std.length(std.manifestToml({ [std.repeat('k', N)]: { [std.repeat('l', N)]: { c: 1 } } }))",
    "std.length(std.manifestXmlJsonml([std.repeat('x', N), { a: std.repeat('y', N) }, std.repeat('z', N)]))",
    "std.length(std.manifestIni({ sections: { [std.repeat('x', N)]: { a: std.repeat('y', N) } } }))",
    "std.parseJson('[' + std.repeat('1,', N) + '1]')",
    "std.length(std.parseJson('[' + std.repeat('1e308,', N) + '1]'))",
    "std.length(std.parseJson('[' + std.repeat('[],', N) + '1]'))",
    "std.length(std.parseJson('[' + std.repeat('{},', N) + '1]'))",
    "std.length(std.parseJson('[' + std.repeat('{\"a\":1},', N) + '1]'))",
    "std.length(std.parseJson('{' + std.repeat('\"\":0,', N) + '\"a\":1}'))",
    "std.length(std.parseJson('[' + std.repeat('0.1,', N) + '1]'))",
    "std.length(std.parseJson('\"' + std.repeat('\\\\u0001', N) + '\"'))",
    "std.length(std.parseJson('\"' + std.repeat('\\u007f', N) + '\"'))",
    "std.length(std.parseJson('[' + std.repeat('\"a\",', N) + '1]'))",
    "std.length(std.parseJson(std.join(',', ['{' ] + ['\"%d\": 1' % i for i in std.range(1, 1000)]) + '}'))",
    "std.length(std.parseYaml('[' + std.repeat('1,', N) + '1]'))",
    "std.length(std.parseYaml(std.repeat('- 1\\n', N)))",
    "std.length(std.parseYaml(std.repeat('-\\n', N)))",
    "std.length(std.parseYaml(std.repeat('- a: b\\n', N)))",
    "std.length(std.parseYaml(std.repeat('- &a b\\n', N)))",
    "std.length(std.parseYaml('&a b: 1\\n' + std.repeat('? *a\\n', 100)))",
    "std.length(std.parseYaml('a: ' + std.repeat('x', N)))",
    "std.length(std.parseYaml('a: \"' + std.repeat('x\\\\n', N) + '\"'))",
    "std.length(std.parseYaml('a: |\\n' + std.repeat('  x\\n', N)))",
    "std.length(std.parseYaml('a: >\\n' + std.repeat('  x\\n', N)))",
    "std.length(std.parseYaml('- !!int ' + std.repeat('1_', N)))",
    "std.length(std.parseYaml(std.repeat('---\\n', N)))",
    "std.length(std.parseYaml('- !!binary ' + std.repeat('////', N)))",
    "std.length(std.parseYaml(std.repeat('{a: ', 150) + std.repeat('}', 150)))",
    "std.parseYaml(std.repeat('{', N))",
    "std.parseYaml(std.repeat('? ', N))",
    "std.parseYaml('{' + std.repeat('? ', N))",
    "std.parseYaml('[' + std.repeat('[', 150) + std.repeat(',', N))",
    "std.parseYaml('[' + std.repeat('&a ', N))",
    "std.parseYaml('[' + std.repeat('a\\n', N))",
    "std.parseYaml('[' + std.repeat('\"\"', N))",
    "std.parseYaml('[' + std.repeat('!a ', N))",
    "std.parseYaml('{' + std.repeat('a: b, ', N))",
    "std.parseYaml('{' + std.repeat('a: {b: [c]}, ', N))",
    "std.parseYaml(std.repeat('a: {b: c}\\n', N))",
    "std.parseYaml('[\"' + std.repeat('\\n', N))",
    "std.parseYaml(std.repeat('&a ', N))",
    "std.parseYaml(std.repeat('!a ', N))",
    "std.parseYaml(std.repeat('a:\\n', N))",
    // Objects
    "std.length(std.foldl(function(o, i) o + { ['k' + i]: i }, std.range(1, N), {}))",
    "local o = { ['k' + x]: x for x in std.range(1, N) }; local f(n) = if n == 0 then 0 else std.length(std.toString(o { a: f(n - 1) })); f(20)",
    "local o = { ['k' + x]: x for x in std.range(1, N) } + { a: o }; std.toString(o)",
    "local o = { ['k' + x]: x for x in std.range(1, N) } + { a: o }; std.prune(o)",
    "local o = { ['k' + x]: x for x in std.range(1, N) } + { a: o }; std.manifestPython(o)",
    "local o = { ['k' + x]: x for x in std.range(1, N) } + { a: o }; o == o",
    "std.length(std.mapWithKey(function(k, v) v, { ['k' + x]: x for x in std.range(1, N) }))",
    "std.length(std.objectKeysValues({ ['k' + x]: x for x in std.range(1, N) }))",
    "std.length(std.mergePatch({ ['k' + x]: x for x in std.range(1, N) }, { ['l' + x]: x for x in std.range(1, N) }))",
    "std.foldl(function(o, i) std.objectRemoveKey(o, 'k' + i), std.range(1, N), { ['k' + x]: x for x in std.range(1, N) })",
    "std.foldl(function(o, i) { a: o }, std.range(1, N), {})",
    "std.length(std.foldl(function(o, i) o { a+: [i] }, std.range(1, N), { a: [] }).a)",
];

/// Sizes for N, below and beyond what the budgets allow.
const SIZES: &[&str] = &["30000", "300000", "1000000", "3000000", "10000000", "40000000"];

/// How much more was allocated at a time than before.
fn peak(run: impl FnOnce()) -> usize {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    run();
    ALLOCATOR.peak_usage() - before
}

/// Evaluates at some budgets and notes where more was taken.
fn check(name: &str, source: &str, wrong: &mut Vec<String>) {
    let mut program = None;
    let parse = peak(|| program = Program::parse("m", source).ok());
    if parse > PARSE {
        wrong.push(format!("{name}: {} KiB to parse", parse / 1024));
    }
    let Some(program) = program else { return };
    for budget in [1, 16, 160] {
        let memory = budget * MIB;
        // The result is a part of what the evaluation takes, so the largest one that fits is allowed.
        let limits = Limits { memory, output: memory, ..Limits::default().times(10) };
        let taken = peak(|| {
            let _ = program.evaluate_pretty(&Variables::new(), &limits, &mut |_| {});
        });
        if taken > memory + BESIDE {
            wrong.push(format!("{name}: {} KiB at {budget} MiB", taken / 1024));
        }
    }
}

#[test]
fn nothing_takes_more_than_its_limit() {
    let mut wrong = Vec::new();
    for template in ALLOCATING {
        for size in if template.contains('N') { SIZES } else { &SIZES[..1] } {
            check(&format!("{template} with {size}"), &template.replace('N', size), &mut wrong);
        }
    }
    for (name, source) in programs::all() {
        check(&name, &source, &mut wrong);
    }
    for part in PARTS {
        for count in [15_000, 25_000, 30_000, 50_000] {
            check(
                &format!("{part} {count} times"),
                &format!("local a = 1; [{}1]", part.repeat(count)),
                &mut wrong,
            );
        }
    }
    assert!(wrong.is_empty(), "{} take too much:\n{}", wrong.len(), wrong.join("\n"));
}
