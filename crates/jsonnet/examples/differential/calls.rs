//! The functions of the library with the kinds of their arguments and results.

use crate::kind::Kind;

/// Lines of the form `name arguments:result` with one letter for each kind; see [`kind`].
const CALLS: &str = "
abs N:N|sign N:N|max NN:N|min NN:N|clamp NNN:N|pow NI:N|exp N:N|log N:N|log2 N:N|log10 N:N|exponent N:N
mantissa N:N|floor N:N|ceil N:N|round N:N|sqrt N:N|hypot NN:N|deg2rad N:N|rad2deg N:N|isEven N:B|isOdd N:B
isInteger N:B|isDecimal N:B|mod NN:N|mod XA:S|modulo NN:N|sum M:N|avg M:N|minArray M:N|maxArray T:S
minArray AK:Z|maxArray AKZ:Z|type Z:S|isString Z:B|isNumber Z:B|isBoolean Z:B|isObject Z:B|isArray Z:B
isFunction Z:B|isNull Z:B|toString Z:S|equals ZZ:B|primitiveEquals ZZ:B|assertEqual ZZ:B|length Z:N|xor BB:B
xnor BB:B|__compare ZZ:N|codepoint C:N|char N:S|substr SII:S|findSubstr CS:M|startsWith SS:B|endsWith SS:B
stripChars SS:S|lstripChars SS:S|rstripChars SS:S|trim S:S|split SC:T|splitLimit SCI:T|splitLimitR SCI:T
strReplace SCS:S|isEmpty S:B|asciiUpper S:S|asciiLower S:S|equalsIgnoreCase SS:B|stringChars S:T
escapeStringJson S:S|escapeStringPython S:S|escapeStringBash S:S|escapeStringDollars S:S|escapeStringXML S:S
escapeStringJson Z:S|escapeStringXML Z:S|parseInt D:N|parseOctal D:N|parseHex D:N|makeArray IF:A|range II:M
repeat SI:S|repeat AI:A|map FA:A|mapWithIndex GA:A|flatMap LA:A|flatMap QS:S|filter PA:A|filterMap PFA:A
foldl GAZ:Z|foldr GAZ:Z|foldl HMN:N|join ST:S|join AR:A|join SA:S|lines T:S|deepJoin T:S|flattenArrays R:A
flattenDeepArray A:A|reverse A:A|sort A:A|sort M:M|sort T:T|sort AK:A|uniq A:A|uniq AK:A|slice AIII:A|slice SIII:S
member AZ:B|member SC:B|contains AZ:B|count AZ:N|find ZA:M|all J:B|any J:B|remove AZ:A|removeAt AI:A|set A:A
set M:M|set T:T|set AK:A|setInter MM:M|setUnion MM:M|setDiff MM:M|setMember NM:B|setInter TT:T|setUnion TT:T
setUnion AAK:A|setDiff AAK:A|setInter AAK:A|setMember ZAK:B|objectHas OE:B|objectHasAll OE:B
objectHasEx OEB:B|objectFields O:T|objectFieldsAll O:T|objectFieldsEx OB:T|objectValues O:A
objectValuesAll O:A|objectKeysValues O:A|objectKeysValuesAll O:A|objectRemoveKey OE:O|get OE:Z|get OEZ:Z
get OEZB:Z|mapWithKey GO:O|mergePatch OO:O|mergePatch ZZ:Z|prune Z:Z|format XA:S|format XO:S|format XN:S|format XZ:S
md5 S:S|sha1 S:S|sha256 S:S|sha512 S:S|sha3 S:S|base64 S:S|base64 U:S|base64Decode W:S|base64DecodeBytes W:M
encodeUTF8 S:M|decodeUTF8 U:S|manifestJson Z:S|manifestJsonMinified Z:S|manifestJsonEx ZV:S
manifestJsonEx ZVV:S|manifestJsonEx ZVVV:S|manifestPython Z:S|manifestPythonVars O:S|manifestIni 1:S
manifestYamlDoc Z:S|manifestYamlDoc ZB:S|manifestYamlDoc ZBB:S|manifestYamlStream A:S|manifestYamlStream ABB:S
manifestYamlStream ABBB:S|manifestToml O:S|manifestTomlEx OV:S|manifestXmlJsonml 2:S|parseJson 3:Z
parseYaml 4:Z|trace SZ:Z|id Z:Z|resolvePath SS:S|sin N:N|cos N:N|tan N:N|asin N:N|acos N:N|atan N:N|atan2 NN:N
pow NN:N|native S:Z|__compare_array AA:N|__array_less AA:B|__array_greater AA:B|__array_less_or_equal AA:B
__array_greater_or_equal AA:B|length O:N|length F:N|length A:N|length S:N|manifestYamlDoc O:S|manifestYamlDoc 5BB:S
";

pub(crate) struct Call {
    pub name: &'static str,
    pub arguments: Vec<Kind>,
    pub result: Kind,
}

fn kind(letter: char) -> Kind {
    match letter {
        'N' => Kind::Number,
        'I' => Kind::Index,
        'S' => Kind::String,
        'C' => Kind::Character,
        'D' => Kind::Digits,
        'E' => Kind::Name,
        'B' => Kind::Boolean,
        'A' => Kind::Array,
        'M' => Kind::Numbers,
        'T' => Kind::Strings,
        'R' => Kind::Arrays,
        'J' => Kind::Booleans,
        'U' => Kind::Bytes,
        'O' => Kind::Object,
        'F' => Kind::Function,
        'G' => Kind::Function2,
        'H' => Kind::NumberFunction2,
        'K' => Kind::KeyFunction,
        'L' => Kind::ArrayFunction,
        'Q' => Kind::StringFunction,
        'P' => Kind::Predicate,
        'V' => Kind::Indent,
        'W' => Kind::Base64,
        'X' => Kind::Format,
        '1' => Kind::Ini,
        '2' => Kind::Xml,
        '3' => Kind::Json,
        '4' => Kind::Yaml,
        '5' => Kind::OddNames,
        _ => Kind::Any,
    }
}

/// All calls.
pub(crate) fn all() -> Vec<Call> {
    let call = |line: &'static str| {
        let (name, kinds) = line.split_once(' ')?;
        let (arguments, result) = kinds.split_once(':')?;
        let result = kind(result.chars().next()?);
        Some(Call { name, arguments: arguments.chars().map(kind).collect(), result })
    };
    CALLS.split(['|', '\n']).filter_map(call).collect()
}
