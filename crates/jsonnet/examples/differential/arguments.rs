//! Odd arguments. Every function of the library is called with one bad argument, with too few and with too
//! many.

/// Functions with good arguments.
const GOOD: &str = r"
abs 1
sign 1
max 1 ; 2
min 1 ; 2
clamp 1 ; 0 ; 2
pow 2 ; 3
exp 1
log 1
log2 1
log10 1
exponent 3
mantissa 3
floor 1.5
ceil 1.5
round 1.5
sqrt 4
hypot 3 ; 4
deg2rad 90
rad2deg 1
isEven 2
isOdd 2
isInteger 2
isDecimal 2
mod 5 ; 3
modulo 5 ; 3
sum [1, 2]
avg [1, 2]
minArray [2, 1]
maxArray [2, 1]
type 1
isString 's'
isNumber 1
isBoolean true
isObject {}
isArray []
isFunction 1
isNull 1
toString 1
equals 1 ; 1
primitiveEquals 1 ; 1
assertEqual 1 ; 1
length 's'
xor true ; false
xnor true ; false
codepoint 'a'
char 97
substr 'abc' ; 1 ; 1
findSubstr 'a' ; 'aba'
startsWith 'abc' ; 'a'
endsWith 'abc' ; 'c'
stripChars ' a ' ; ' '
lstripChars ' a ' ; ' '
rstripChars ' a ' ; ' '
trim ' a '
split 'a,b' ; ','
splitLimit 'a,b,c' ; ',' ; 1
splitLimitR 'a,b,c' ; ',' ; 1
strReplace 'aba' ; 'a' ; 'c'
isEmpty ''
asciiUpper 'a'
asciiLower 'A'
equalsIgnoreCase 'a' ; 'A'
stringChars 'ab'
escapeStringJson 'a'
escapeStringPython 'a'
escapeStringBash 'a'
escapeStringDollars '$'
escapeStringXML '<'
parseInt '12'
parseOctal '17'
parseHex 'ff'
makeArray 2 ; function(i) i
range 1 ; 3
repeat 'a' ; 2
map function(x) x ; [1]
mapWithIndex function(i, x) i ; [1]
flatMap function(x) [x] ; [1]
filter function(x) true ; [1]
filterMap function(x) true ; function(x) x ; [1]
foldl function(a, x) a ; [1] ; 0
foldr function(x, a) a ; [1] ; 0
join ',' ; ['a', 'b']
lines ['a']
deepJoin ['a', ['b']]
flattenArrays [[1], [2]]
flattenDeepArray [[1], 2]
reverse [1, 2]
sort [2, 1] ; function(x) x
uniq [1, 1] ; function(x) x
set [2, 1, 1] ; function(x) x
slice [1, 2, 3] ; 0 ; 2 ; 1
member [1] ; 1
contains [1] ; 1
count [1, 1] ; 1
find 1 ; [1]
all [true]
any [true]
remove [1, 2] ; 1
removeAt [1, 2] ; 0
setInter [1, 2] ; [2] ; function(x) x
setUnion [1] ; [2] ; function(x) x
setDiff [1, 2] ; [2] ; function(x) x
setMember 1 ; [1] ; function(x) x
objectHas { a: 1 } ; 'a'
objectHasAll { a:: 1 } ; 'a'
objectHasEx { a:: 1 } ; 'a' ; true
objectFields { a: 1 }
objectFieldsAll { a:: 1 }
objectFieldsEx { a:: 1 } ; true
objectValues { a: 1 }
objectValuesAll { a:: 1 }
objectKeysValues { a: 1 }
objectKeysValuesAll { a:: 1 }
objectRemoveKey { a: 1 } ; 'a'
get { a: 1 } ; 'a' ; 2 ; true
mapWithKey function(k, v) v ; { a: 1 }
mergePatch { a: 1 } ; { b: 2 }
prune { a: null }
format '%s' ; 1
md5 'a'
sha1 'a'
sha256 'a'
sha512 'a'
sha3 'a'
base64 'a'
base64Decode 'YQ=='
base64DecodeBytes 'YQ=='
encodeUTF8 'a'
decodeUTF8 [97]
manifestJson 1
manifestJsonMinified 1
manifestJsonEx [1] ; ' ' ; '\n' ; ': '
manifestPython 1
manifestPythonVars { a: 1 }
manifestIni { main: { a: 1 }, sections: {} }
manifestYamlDoc [1] ; true ; true
manifestYamlStream [1] ; true ; true ; true
manifestToml { a: 1 }
manifestTomlEx { a: 1 } ; ' '
manifestXmlJsonml ['a', { b: 'c' }]
parseJson '[1]'
parseYaml 'a: 1'
trace 't' ; 1
id 1
resolvePath 'a/b' ; 'c'
native 'x'
extVar 'none'
atan2 1 ; 1
sin 1
cos 1
tan 1
asin 1
acos 1
atan 1
__compare 1 ; 2
__compare_array [1] ; [2]
__array_less [1] ; [2]
__array_greater [1] ; [2]
__array_less_or_equal [1] ; [2]
__array_greater_or_equal [1] ; [2]
";

/// What stands in the place of a good argument.
const ODD: &[&str] = &[
    "null",
    "true",
    "''",
    "'é😀'",
    "0",
    "-1",
    "-0.5",
    "0.5",
    "1e10",
    "-1e300",
    "9007199254740993",
    "[]",
    "[1, 1]",
    "[null]",
    "['a']",
    "[[]]",
    "[error 'e']",
    "[1, error 'e']",
    "{}",
    "{ a: 1 }",
    "{ a:: 1 }",
    "{ assert false : 'no', a: 1 }",
    "{ a: error 'e' }",
    "function() 1",
    "function(x) x",
    "function(x, y) x",
    "std.length",
    "error 'e'",
];

/// Functions that would make as many elements as a number says, which go-jsonnet does.
const MAKING: &[&str] = &["makeArray", "range", "repeat"];

/// All programs.
pub(crate) fn programs() -> Vec<String> {
    let mut programs = Vec::new();
    for line in GOOD.trim().lines() {
        let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
        let good: Vec<&str> = arguments.split(" ; ").collect();
        let call = |arguments: &[&str]| format!("std.{name}({})", arguments.join(", "));
        programs.push(call(&good));
        for at in 0..good.len() {
            for odd in ODD {
                let large = odd.parse().is_ok_and(|number: f64| number.abs() > 1e6);
                if large && MAKING.contains(&name) {
                    continue;
                }
                let mut arguments = good.clone();
                arguments[at] = odd;
                programs.push(call(&arguments));
            }
        }
        programs.extend((0..good.len()).map(|count| call(&good[..count])));
        programs.push(call(&[&good[..], &["1"]].concat()));
    }
    programs
}
