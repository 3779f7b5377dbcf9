//! Programs that want to hang, to eat all memory or to run out of stack.

use std::path::{Path, PathBuf};

/// Programs as they stand.
const PROGRAMS: &[(&str, &str)] = &[
    ("endless_recursion", "local f(x) = f(x + 1); f(0)"),
    ("endless_recursion_in_a_sum", "local f(x) = 1 + f(x + 1); f(0)"),
    ("endless_tailstrict", "local f(x) = f(x + 1) tailstrict; f(0)"),
    ("two_functions_call_each_other", "local a(x) = b(x), b(x) = a(x); a(1)"),
    (
        "y_combinator",
        "local y = function(f) (function(x) x(x))(function(x) f(function(v) x(x)(v))); y(function(g) function(n) g(n + 1))(0)",
    ),
    ("self_needs_itself", "{ a: self.a }.a"),
    ("local_needs_itself", "local x = x + 1; x"),
    ("endless_object", "local f(n) = { a: f(n + 1) }; f(0)"),
    ("endless_array", "local f(n) = [f(n + 1)]; f(0)"),
    ("endless_to_string", "local f(n) = [f(n + 1)]; std.toString(f(0))"),
    ("object_that_holds_itself", "local o = { a: o }; o"),
    ("dollar_in_itself", "{ a: $ }"),
    ("equal_to_itself_without_end", "local a = [a], b = [b]; a == b"),
    ("compared_without_end", "local a = [a], b = [b]; a < b"),
    ("objects_equal_without_end", "local a = { x: a }, b = { x: b }; a == b"),
    ("fibonacci", "local f(n) = if n < 2 then n else f(n - 1) + f(n - 2); f(60)"),
    (
        "ackermann",
        "local a(m, n) = if m == 0 then n + 1 else if n == 0 then a(m - 1, 1) else a(m - 1, a(m, n - 1)); a(4, 2)",
    ),
    ("array_doubles", "local d(a, n) = if n == 0 then a else d(a + a, n - 1); std.length(d([1], 60))"),
    ("string_doubles", "local d(s, n) = if n == 0 then s else d(s + s, n - 1); std.length(d('é', 60))"),
    ("object_doubles", "local d(o, n) = if n == 0 then o else d(o + o, n - 1); d({ a+: 1 }, 40).a"),
    ("output_doubles", "local d(a, n) = if n == 0 then a else d([a, a], n - 1); d('x', 60)"),
    ("shared_fields_double", "local d(o, n) = if n == 0 then o else d({ l: o, r: o }, n - 1); d({}, 60)"),
    ("equality_doubles", "local d(a, n) = if n == 0 then a else d([a, a], n - 1); d(1, 50) == d(1, 50)"),
    ("format_width", "'%1000000000d' % 1"),
    ("format_width_argument", "'%*d' % [1e15, 1]"),
    ("format_precision", "'%.999999999e' % 1"),
    ("format_many", "std.repeat('%s', 1000000) % std.range(1, 1000000)"),
    ("format_nested", "local f(n) = if n == 0 then 'x' else '%s%s' % [f(n - 1), f(n - 1)]; f(60)"),
    ("range", "std.range(1, 1e12)"),
    ("range_of_64_bits", "std.range(-9e18, 9e18)"),
    ("repeat_string", "std.repeat('abc', 1e15)"),
    ("repeat_empty", "std.repeat([], 1e15)"),
    ("repeat_twice", "std.repeat(std.repeat('x', 1e6), 1e6)"),
    ("make_array", "std.makeArray(1e15, function(i) i)"),
    ("make_array_of_arrays", "std.makeArray(10000, function(i) std.makeArray(10000, function(j) j))"),
    ("join_separator", "std.join(std.repeat('x', 1e6), std.makeArray(1e6, function(i) ''))"),
    (
        "join_shared",
        "local s = std.repeat('x', 1e6); std.length(std.join('', std.makeArray(1e5, function(i) s)))",
    ),
    (
        "replace_grows",
        "local r(s, n) = if n == 0 then s else r(std.strReplace(s, 'x', 'xxxxxxxxxx'), n - 1); std.length(r('x', 30))",
    ),
    ("split_every_character", "std.length(std.split(std.repeat('a', 1e7), 'a'))"),
    ("find_overlapping", "std.length(std.findSubstr(std.repeat('a', 1e5), std.repeat('a', 2e5)))"),
    ("strip_long", "std.stripChars(std.repeat('a', 1e7), std.repeat('a', 1e7))"),
    (
        "string_index_of_wide_characters",
        "local s = std.repeat('é', 1e6); std.foldl(function(a, i) a + std.length(s[i]), std.range(0, 999999), 0)",
    ),
    (
        "substr_of_wide_characters",
        "local s = std.repeat('é', 1e6); std.foldl(function(a, i) a + std.length(std.substr(s, i, 5)), std.range(0, 999999), 0)",
    ),
    ("slices", "local a = std.range(1, 100000); std.foldl(function(n, i) n + std.length(a[i::2]), a, 0)"),
    ("sort_large", "std.length(std.sort(std.makeArray(1e6, function(i) (i * 7919) % 1000003)))"),
    (
        "sort_long_strings",
        "local s = std.repeat('x', 1e6); std.length(std.sort(std.makeArray(1e5, function(i) s + i)))",
    ),
    ("sort_of_what_has_no_order", "std.sort(std.makeArray(100000, function(i) {}))"),
    (
        "set_of_sets",
        "local s = std.set(std.range(1, 100000)); std.foldl(function(a, i) std.setUnion(a, s), s, [])",
    ),
    ("uniq_of_arrays", "std.uniq(std.makeArray(100000, function(i) std.range(1, 1000)))"),
    ("fold_grows_an_array", "std.length(std.foldl(function(a, i) a + [i], std.range(1, 1000000), []))"),
    (
        "fold_grows_an_object",
        "std.length(std.foldl(function(o, i) o + { ['k' + i]: i }, std.range(1, 1000000), {}))",
    ),
    (
        "fold_builds_promises",
        "std.foldl(function(a, i) function(x) a(x) + 1, std.range(1, 100000), function(x) x)(0)",
    ),
    (
        "many_layers_and_super",
        "std.foldl(function(o, i) o + { a: super.a + 1 }, std.range(1, 100000), { a: 0 }).a",
    ),
    ("plus_colon_layers", "std.foldl(function(o, i) o + { a+: [i] }, std.range(1, 100000), { a: [] })"),
    (
        "comprehension_cube",
        "[x for x in std.range(1, 1e3) for y in std.range(1, 1e3) for z in std.range(1, 1e3)]",
    ),
    (
        "comprehension_that_keeps_nothing",
        "[x for x in std.range(1, 1e4) for y in std.range(1, 1e4) if false]",
    ),
    ("object_comprehension", "{ ['k' + x]: x for x in std.range(1, 1e7) }"),
    ("computed_names", "local o = { [std.repeat('k', i)]: i for i in std.range(1, 100000) }; std.length(o)"),
    ("assert_that_runs_long", "{ assert std.length(std.range(1, 1e9)) > 0, a: 1 }"),
    ("error_message_is_long", "error std.repeat('x', 1e9)"),
    ("error_message_without_end", "local a = [a]; error a"),
    ("deep_error_trace", "local f(n) = if n == 0 then error 'end' else 1 + f(n - 1); f(100000)"),
    ("parse_json_nested", "std.parseJson(std.repeat('[', 1e6))"),
    ("parse_json_large", "std.length(std.parseJson('[' + std.repeat('1,', 1e6) + '1]'))"),
    ("parse_yaml_nested", "std.parseYaml(std.repeat('[', 1e5))"),
    ("parse_yaml_block_nested", "std.parseYaml(std.repeat('- ', 1e5))"),
    (
        "parse_yaml_laughs",
        "std.parseYaml(\"a: &a [x,x,x,x,x,x,x,x,x]\\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\\n\")",
    ),
    (
        "parse_yaml_merges",
        "std.parseYaml(std.join('\\n', ['a0: &a0 {x: 1}'] + ['a%d: &a%d {<<: [*a%d, *a%d], k%d: 1}' % [i, i, i - 1, i - 1, i] for i in std.range(1, 2000)]))",
    ),
    (
        "parse_yaml_keys",
        "std.length(std.parseYaml(std.join('\\n', ['k%d: 1' % i for i in std.range(1, 100000)])))",
    ),
    ("parse_yaml_long_line", "std.parseYaml(std.repeat('a ', 1e6))"),
    ("parse_yaml_quotes", "std.parseYaml('\"' + std.repeat('x\\n', 1e5))"),
    ("manifest_yaml_wide", "std.length(std.manifestYamlDoc(std.makeArray(1e6, function(i) { a: i })))"),
    (
        "manifest_deep",
        "local f(n) = if n == 0 then 1 else [f(n - 1)]; std.length(std.manifestJsonEx(f(380), std.repeat(' ', 10000)))",
    ),
    (
        "manifest_toml_long_names",
        "local f(n) = if n == 0 then { a: 1 } else { [std.repeat('k', 1000)]: f(n - 1) }; std.manifestToml(f(300))",
    ),
    (
        "manifest_xml",
        "local f(n) = if n == 0 then ['a'] else ['a', f(n - 1), f(n - 1)]; std.manifestXmlJsonml(f(60))",
    ),
    (
        "manifest_python",
        "local d(a, n) = if n == 0 then a else d([a, a], n - 1); std.manifestPython(d(1, 60))",
    ),
    (
        "manifest_ini",
        "local s = std.repeat('x', 1e5); std.manifestIni({ sections: { s: { a: std.makeArray(1e5, function(i) s) } } })",
    ),
    ("merge_patch", "local f(n) = if n == 0 then {} else { a: f(n - 1) }; std.mergePatch(f(300), f(300))"),
    ("prune_wide", "std.prune(std.makeArray(1e6, function(i) [[], {}, null]))"),
    ("prune_doubles", "local d(a, n) = if n == 0 then a else d([a, a], n - 1); std.prune(d(1, 60))"),
    (
        "flatten_deep",
        "local d(a, n) = if n == 0 then a else d([a, a], n - 1); std.length(std.flattenDeepArray(d(1, 60)))",
    ),
    (
        "deep_join",
        "local d(a, n) = if n == 0 then a else d([a, a], n - 1); std.length(std.deepJoin(d('x', 60)))",
    ),
    ("digests", "std.foldl(function(s, i) std.sha512(s), std.range(1, 1000000), std.repeat('x', 1e5))"),
    (
        "digest_of_much",
        "local s = std.repeat('x', 1e6); std.length([std.md5(s + i) for i in std.range(1, 1000)])",
    ),
    (
        "base64_grows",
        "local r(s, n) = if n == 0 then s else r(std.base64(s), n - 1); std.length(r('x', 200))",
    ),
    (
        "escapes_grow",
        "local r(s, n) = if n == 0 then s else r(std.escapeStringJson(s), n - 1); std.length(r('\"', 200))",
    ),
    ("codepoints", "std.length(std.join('', [std.char(i % 55000) for i in std.range(1, 1000000)]))"),
    ("big_powers", "std.foldl(function(a, i) std.pow(1.0000001, i), std.range(1, 1e6), 0)"),
    ("long_numbers", "std.length(std.join('', [std.toString(1e308) for i in std.range(1, 100000)]))"),
    ("traces", "std.foldl(function(a, i) std.trace(std.repeat('x', 1000), i), std.range(1, 1000000), 0)"),
    ("trace_is_long", "std.trace(std.repeat('x', 1e9), 1)"),
    (
        "std_fields",
        "std.foldl(function(a, i) a + std.length(std.objectFieldsAll(std)), std.range(1, 100000), 0)",
    ),
    ("key_function_recurs", "local k(x) = std.length(std.sort([3, 2, 1], k)); k(1)"),
    (
        "map_of_map",
        "local m(n) = if n == 0 then [1] else std.flatMap(function(x) [x, x], m(n - 1)); std.length(m(60))",
    ),
    ("filter_calls_itself", "local f(a) = std.filter(function(x) std.length(f(a)) > 0, a); f([1])"),
    ("defaults_need_each_other", "(function(a = b, b = a) a)()"),
    (
        "remove_keys",
        "std.foldl(function(o, i) std.objectRemoveKey(o, 'k'), std.range(1, 100000), { ['f' + i]: i for i in std.range(1, 1000) })",
    ),
    ("deep_sum", "local f(n) = if n == 0 then 0 else 1 + f(n-1); f(100000)"),
    ("deep_obj", "local f(n) = if n == 0 then {} else {a: f(n-1)}; f(100000)"),
    ("deep_arr", "local f(n) = if n == 0 then [] else [f(n-1)]; f(100000)"),
    ("deep_std_max", "local f(n) = if n == 0 then 0 else std.max(1, f(n-1)); f(100000)"),
    ("deep_foldl", "local f(n) = if n == 0 then 0 else std.foldl(function(a,b) a+f(n-1), [1], 0); f(100000)"),
    ("deep_fmt", "local f(n) = if n == 0 then 'x' else '%s' % f(n-1); f(100000)"),
    ("deep_fmtarr", "local f(n) = if n == 0 then 'x' else '%s' % [f(n-1)]; f(100000)"),
    ("deep_comp", "local f(n) = if n == 0 then 0 else [f(n-1)+x for x in [1]][0]; f(100000)"),
    (
        "deep_compif",
        "local f(n) = if n == 0 then true else std.length([x for x in [1] if f(n-1)]) > 0; f(100000)",
    ),
    ("deep_eq", "local f(n) = if n == 0 then [] else [f(n-1)]; f(100000) == f(100000)"),
    ("deep_eqobj", "local f(n) = if n == 0 then {} else {a:f(n-1)}; f(100000) == f(100000)"),
    ("deep_yaml", "local f(n) = if n == 0 then {} else {a:f(n-1)}; std.manifestYamlDoc(f(100000))"),
    ("deep_toml", "local f(n) = if n == 0 then {b:1} else {a:f(n-1)}; std.manifestToml(f(100000))"),
    ("deep_tomlv", "local f(n) = if n == 0 then [1] else [f(n-1)]; std.manifestToml({a:f(100000)})"),
    ("deep_xml", "local f(n) = if n == 0 then ['a'] else ['a',f(n-1)]; std.manifestXmlJsonml(f(100000))"),
    ("deep_python", "local f(n) = if n == 0 then {} else {a:f(n-1)}; std.manifestPython(f(100000))"),
    ("deep_super", "std.foldl(function(o, i) o + { a: super.a + 1 }, std.range(1, 100000), { a: 0 }).a"),
    ("deep_plus", "std.foldl(function(o, i) o + { a+: [1] }, std.range(1, 100000), { a: [] }).a"),
    ("deep_assert", "local f(n) = if n == 0 then {x: true} else {assert f(n-1).x, x: true}; f(100000)"),
    ("deep_map", "local f(n) = if n == 0 then 0 else std.map(function(x) x + f(n-1), [1])[0]; f(100000)"),
    ("deep_mergep", "local f(n) = if n == 0 then {} else {a:f(n-1)}; std.mergePatch(f(100000),f(100000))"),
    ("deep_prune", "local f(n) = if n == 0 then {x:1} else {a:f(n-1)}; std.prune(f(100000))"),
    ("deep_deepjoin", "local f(n) = if n == 0 then 'x' else [f(n-1)]; std.deepJoin(f(100000))"),
    ("deep_objcomp", "local f(n) = if n == 0 then {k:0} else {[k]: f(n-1).k for k in ['k']}; f(100000)"),
    ("deep_strip", "local f(n) = if n == 0 then 'x' else std.strReplace(f(n-1),'y','z'); f(100000)"),
    ("deep_repl", "local f(n) = if n == 0 then 'x' else std.join('', [f(n-1)]); f(100000)"),
    ("deep_tostr", "local f(n) = if n == 0 then 'x' else std.toString([f(n-1)])[2:3]; f(100000)"),
    ("deep_index", "local f(n) = if n == 0 then [0] else [f(n-1)[0]]; f(100000)"),
    ("deep_slice", "local f(n) = if n == 0 then [0,1] else [0,1][f(n-1)[0]:]; f(100000)"),
    ("deep_fieldchain", "local f(n) = if n == 0 then {a:0} else {a:f(n-1).a}; f(100000)"),
    ("deep_minarr", "local f(n) = if n == 0 then 0 else std.minArray([1],function(x) x+f(n-1)); f(100000)"),
    ("import", "import 'x'"),
    ("format_zeros", "std.length('%0100000000d' % 1)"),
    ("format_digits", "std.length('%.100000000d' % 1)"),
    ("format_precision_and_width", "std.length('%-100000000.300f|' % 1e300)"),
    ("format_many_codes", "std.repeat('%-1000d', 100000) % std.range(1, 100000)"),
    ("format_keys", "std.repeat('%(a)s', 100000) % { a: std.repeat('x', 1000) }"),
    ("parse_json_exponents", "std.length(std.parseJson('[' + std.repeat('1e308,', 1e6) + '1]'))"),
    ("parse_json_escapes", "std.length(std.parseJson('\"' + std.repeat('\\\\u0001', 1e6) + '\"'))"),
    (
        "parse_json_again",
        "std.foldl(function(a, i) std.parseJson('[' + std.repeat('[],', 1000) + '1]'), std.range(1, 1e6), 0)",
    ),
    ("parse_yaml_flow", "std.length(std.parseYaml('[' + std.repeat('1,', 1e6) + '1]'))"),
    ("parse_yaml_flow_keys", "std.parseYaml('{' + std.repeat('? ', 1e6))"),
    ("parse_yaml_anchors", "std.length(std.parseYaml(std.repeat('- &a [*a]\n', 1e5)))"),
    (
        "parse_yaml_aliases",
        "std.length(std.parseYaml('- &a ' + std.repeat('x', 1e5) + '\n' + std.repeat('- *a\n', 1e5)))",
    ),
    (
        "parse_yaml_alias_keys",
        "std.parseYaml('&a ' + std.repeat('k', 1e5) + ': 1\n' + std.join('', ['? *a\n: %d\n' % i for i in std.range(1, 1e5)]))",
    ),
    ("parse_yaml_documents", "std.length(std.parseYaml(std.repeat('---\na: 1\n', 1e5)))"),
    ("parse_yaml_block_text", "std.length(std.parseYaml('a: >\n' + std.repeat('  x\n\n', 1e6)))"),
    ("parse_yaml_binary", "std.length(std.parseYaml('- !!binary ' + std.repeat('////', 1e6)))"),
    (
        "split_by_itself",
        "std.foldl(function(a, i) std.length(std.split(std.repeat('ab', 1e5), 'ab')), std.range(1, 1e6), 0)",
    ),
    ("split_backwards", "std.length(std.splitLimitR(std.repeat('aab', 1e6), 'aab', 100000))"),
    ("sort_by_what_fails", "std.sort(std.repeat([1], 1e5), function(x) error 'no')"),
    ("sort_by_large_keys", "std.sort(std.range(1, 1e5), function(x) std.range(1, x))"),
    (
        "sort_by_what_sorts",
        "local k(n) = std.length(std.sort(std.range(1, n), function(x) k(n - 1))); k(100)",
    ),
    (
        "set_of_shared_arrays",
        "local d(a, n) = if n == 0 then a else d([a, a], n - 1); std.set(std.repeat([d(1, 40)], 100))",
    ),
    ("flatten_shared", "local a = std.range(1, 1e4); std.length(std.flattenArrays(std.repeat([a], 1e5)))"),
    (
        "flatten_grows",
        "local f(a, n) = if n == 0 then a else f(std.flattenArrays([a, a]), n - 1); std.length(f([1], 100))",
    ),
    (
        "xml_escapes_grow",
        "local r(s, n) = if n == 0 then s else r(std.escapeStringXML(s), n - 1); std.length(r('&', 1000)) + std.length(r(std.repeat('\"', 1e6), 20))",
    ),
    (
        "bash_escapes_grow",
        "local r(s, n) = if n == 0 then s else r(std.escapeStringBash(s), n - 1); std.length(r(\"'\", 200))",
    ),
    (
        "dollars_grow",
        "local r(s, n) = if n == 0 then s else r(std.escapeStringDollars(s), n - 1); std.length(r('$', 200))",
    ),
    (
        "bytes_grow",
        "local r(s, n) = if n == 0 then s else r(std.decodeUTF8(std.encodeUTF8(s) + [255]), n - 1); std.length(r(std.repeat('x', 1e5), 1000))",
    ),
    ("base64_of_an_array", "std.length(std.base64(std.makeArray(1e7, function(i) i % 256)))"),
    ("lines_of_much", "std.length(std.lines(std.repeat([std.repeat('x', 1e5)], 1e5)))"),
    ("deep_join_shared", "local a = [std.repeat('x', 1e5)]; std.length(std.deepJoin(std.repeat([a], 1e5)))"),
    ("tailstrict_nested", "local f(n) = if n == 0 then 0 else 1 + f(n - 1) tailstrict; f(1e6)"),
    (
        "tailstrict_arguments",
        "local f(x) = [x, x]; local g(n) = if n == 0 then 0 else f(g(n - 1)) tailstrict; g(1e5)",
    ),
    ("defaults_grow", "local f(n, a = [n] + f(n - 1)) = if n == 0 then [] else a; std.length(f(1e5))"),
    (
        "super_by_name",
        "std.foldl(function(o, i) o + { ['a']: super['a'] + 1, b: 'a' in super }, std.range(1, 1e5), { a: 0 }).a",
    ),
    ("super_twice", "std.foldl(function(o, i) o + { a: super.a + super.a }, std.range(1, 60), { a: 1 }).a"),
    ("assert_needs_the_object", "local o = { assert std.length(std.toString(o)) > 0, a: o }; o"),
    ("asserts_call_each_other", "local a = { assert b.x, x: true }, b = { assert a.x, x: true }; a"),
    (
        "assert_in_every_layer",
        "std.foldl(function(o, i) o + { assert self.a >= 0, a: i }, std.range(1, 1e5), {}).a",
    ),
    (
        "remove_and_add",
        "std.foldl(function(o, i) std.objectRemoveKey(o + { ['k' + i]: i }, 'k' + (i - 1)), std.range(1, 1e5), {})",
    ),
    (
        "merge_patch_grows",
        "std.foldl(function(o, i) std.mergePatch(o, { ['k' + i]: i }), std.range(1, 1e5), {})",
    ),
    (
        "merge_patch_shared",
        "local d(o, n) = if n == 0 then o else d({ l: o, r: o }, n - 1); std.mergePatch(d({}, 60), d({}, 60))",
    ),
    (
        "map_with_key_nested",
        "local f(o, n) = if n == 0 then o else f(std.mapWithKey(function(k, v) v, o), n - 1); f({ a: 1 }, 1e5)",
    ),
    ("object_in_itself_many_fields", "local o = { ['k' + i]: o for i in std.range(1, 1000) }; o"),
    ("values_of_values", "local f(o) = std.objectValues({ a: f(o) }); f(1)"),
    (
        "yaml_shared",
        "local d(o, n) = if n == 0 then o else d({ l: o, r: [o] }, n - 1); std.length(std.manifestYamlDoc(d({}, 60)))",
    ),
    (
        "toml_shared",
        "local d(o, n) = if n == 0 then o else d({ l: o, r: [o, o] }, n - 1); std.length(std.manifestToml(d({ a: 1 }, 60)))",
    ),
    ("toml_indent", "std.length(std.manifestTomlEx({ a: { b: { c: [1, 2] } } }, std.repeat(' ', 1e7)))"),
    ("yaml_of_lines", "std.length(std.manifestYamlDoc({ a: { b: { c: std.repeat('x\n', 1e6) } } }))"),
    (
        "names_that_are_long",
        "std.foldl(function(o, i) o + { [std.repeat('k', 1e4) + i]: i }, std.range(1, 1e5), {})",
    ),
    ("slice_by_little", "std.length(std.range(1, 1000)[0:1000:0.0000001])"),
    ("slice_text_by_little", "std.length(std.repeat('é', 1000)[0:1000:0.0000001])"),
    (
        "characters_of_much",
        "std.foldl(function(n, i) n + std.length(std.stringChars(std.repeat('é', 1e5))), std.range(1, 1e5), 0)",
    ),
    (
        "find_itself",
        "std.foldl(function(n, i) n + std.length(std.findSubstr(std.repeat('a', 5e4), std.repeat('a', 1e5))), std.range(1, 1e5), 0)",
    ),
    (
        "equal_long_texts",
        "local s = std.repeat('x', 1e6), t = std.repeat('x', 1e6); std.count(std.repeat([s], 1e5), t)",
    ),
    (
        "compare_long_arrays",
        "local a = std.range(1, 1e5), b = std.range(1, 1e5); std.foldl(function(n, i) if a < b then n else n + 1, a, 0)",
    ),
];

/// Programs that are too long to be written out.
fn built() -> Vec<(&'static str, String)> {
    let deep = 100_000;
    let fields: Vec<String> = (0..20_000).map(|n| format!("f{n}: {n}")).collect();
    vec![
        ("nested_brackets", "[".repeat(deep)),
        ("nested_brackets_closed", format!("{}{}", "[".repeat(deep), "]".repeat(deep))),
        ("nested_parentheses", format!("{}1{}", "(".repeat(deep), ")".repeat(deep))),
        ("nested_objects", "{a:".repeat(deep)),
        ("nested_ifs", "if true then ".repeat(deep)),
        ("nested_locals", "local x = 1; ".repeat(deep / 2)),
        ("nested_functions", "function(x) ".repeat(deep / 2)),
        ("nested_errors", "error ".repeat(deep)),
        ("nested_asserts", "assert true; ".repeat(deep / 2)),
        ("minus_signs", "-".repeat(deep)),
        ("long_sum", format!("1{}", "+1".repeat(deep))),
        ("long_chain_of_fields", format!("a{}", ".a".repeat(deep))),
        ("long_chain_of_calls", format!("a{}", "()".repeat(deep))),
        ("long_chain_of_extensions", format!("{{}}{}", "{a:1}".repeat(deep))),
        ("nested_comprehensions", format!("{}1{}", "[".repeat(300), " for x in [1]]".repeat(300))),
        ("many_clauses", format!("[1{}]", " for x in [1]".repeat(10_000))),
        ("nested_slices", format!("a{}", "[a".repeat(deep))),
        ("many_fields", format!("{{{}}}", fields.join(","))),
        (
            "many_fields_in_layers",
            format!("std.foldl(function(o, i) o + {{{}}}, std.range(1, 1000), {{}})", fields.join(",")),
        ),
        ("long_comment", format!("/*{}", "*".repeat(1_000_000))),
        ("long_string", format!("\"{}", "\\u0041".repeat(150_000))),
        ("long_text_block", format!("|||\n{}", "  x\n".repeat(200_000))),
        ("long_number", "9".repeat(1_000_000)),
        ("source_is_too_long", " ".repeat(3_000_000)),
    ]
}

/// All programs: those above, and those of a folder that may be there.
pub(crate) fn all() -> Vec<(String, String)> {
    let fixed = PROGRAMS.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned()));
    let built = built().into_iter().map(|(name, source)| (name.to_owned(), source));
    fixed.chain(built).chain(folder()).collect()
}

/// There are none where there is no folder, which the tests of the folder's other programs report.
fn folder() -> Vec<(String, String)> {
    let suite = std::env::var_os("SESSERA_JSONNET_SUITE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/jsonnet-suite"),
        PathBuf::from,
    );
    let Ok(entries) = std::fs::read_dir(suite.join("hostile")) else {
        return Vec::new();
    };
    let program = |path: PathBuf| {
        let source = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        (format!("folder/{}", path.file_stem().unwrap().to_string_lossy()), source)
    };
    entries.map(|entry| program(entry.unwrap().path())).collect()
}
