//! The declaration of keys: one place for name, type, bounds, default and documentation.

/// Declares a section: an object of the configuration with the keys that Sessera acts on.
///
/// A field is `/// documentation`, then `@machine` where the key comes from files and the environment only, and
/// `@restricts` where the key can forbid something that is allowed without it, or hide what is told without it;
/// then its name (`field as "key"` where the key is no name of Rust), its type, `[bounds]` where its type has
/// some, and `= default` as one would write it into a variable of the environment. Without a default the
/// type's own counts. Of the declaration are made the struct, its reader and its list of [`Key`]s.
///
/// [`Key`]: crate::kind::Key
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $(@ $mark:ident)*
                $field:ident $(as $key:literal)? : $type:ty $([$range:expr])? $(= $default:literal)?,
            )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )*
        }

        impl $name {
            /// The keys of the section.
            pub const KEYS: &'static [$crate::kind::Key] = &[
                $( $crate::kind::Key::new(
                    $crate::section::section!(@name $field $($key)?),
                    <$type as $crate::setting::Setting>::KIND $(.within($range))?,
                    concat!($($doc),+),
                    $crate::section::section!(@default $($default)?),
                ) $( .$mark() )*, )*
            ];
        }

        impl $crate::setting::Setting for $name {
            const KIND: $crate::kind::Kind = $crate::kind::Kind::Object(Self::KEYS);

            fn read(
                value: &serde_json::Value,
                _: &$crate::kind::Kind,
                at: &str,
                found: &mut $crate::problem::Findings,
            ) -> Option<Self> {
                let members = $crate::setting::Members::of(value, Self::KEYS, at, found)?;
                Some(Self {
                    $( $field: members.read($crate::section::section!(@name $field $($key)?), found), )*
                })
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $( $field: $crate::section::section!(@value $field, $type $(, $default)?), )*
                }
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $key:literal) => { $key };
    (@default) => { None };
    (@default $default:literal) => { Some(concat!($default)) };
    (@value $field:ident, $type:ty) => { <$type>::default() };
    (@value $field:ident, $type:ty, $default:literal) => {
        $crate::setting::default_of::<$type>(&$crate::kind::Key::new(
            stringify!($field),
            <$type as $crate::setting::Setting>::KIND,
            "",
            Some(concat!($default)),
        ))
        .unwrap_or_default()
    };
}

/// Declares a choice: a text that is one of a few words. Several words may mean the same. The first one is the
/// type's default.
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        pub enum $name:ident {
            $(#[doc = $first_doc:literal])+
            $first:ident = $first_word:literal $(| $first_other:literal)*,
            $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal $(| $other:literal)*, )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $first_doc])+
            #[default]
            $first,
            $( $(#[doc = $doc])+ $variant, )*
        }

        impl $name {
            /// The word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $( Self::$variant => $word, )*
                }
            }

            fn of(word: &str) -> Option<Self> {
                match word {
                    $first_word $(| $first_other)* => Some(Self::$first),
                    $( $word $(| $other)* => Some(Self::$variant), )*
                    _ => None,
                }
            }
        }

        impl $crate::setting::Setting for $name {
            const KIND: $crate::kind::Kind = $crate::kind::Kind::Choice(&[
                $first_word, $($first_other,)* $($word, $($other,)*)*
            ]);

            fn read(
                value: &serde_json::Value,
                _: &$crate::kind::Kind,
                at: &str,
                found: &mut $crate::problem::Findings,
            ) -> Option<Self> {
                let read = value.as_str().and_then(Self::of);
                if read.is_none() {
                    let $crate::kind::Kind::Choice(words) = Self::KIND else { return None };
                    found.wrong(at, $crate::nearest::no_choice(value, words));
                }
                read
            }
        }
    };
}

pub(crate) use {choice, section};
