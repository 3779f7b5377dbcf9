//! Amounts of memory as people write and read them.

/// An amount of memory in bytes: `19MiB`, `128MB`, or a number of bytes. `MB` and `MiB` are the same
/// here, as they are in the file's origin.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => Some(number),
        "k" | "kb" | "kib" => number.checked_mul(1 << 10),
        "m" | "mb" | "mib" => number.checked_mul(1 << 20),
        "g" | "gb" | "gib" => number.checked_mul(1 << 30),
        _ => None,
    }
}

/// An amount of memory for people.
pub(crate) fn shown(bytes: i64) -> String {
    for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes >= size && bytes % size == 0 {
            return format!("{}{unit}", bytes / size);
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory_have_units() {
        assert_eq!(bytes("19MiB"), Some(19 << 20));
        assert_eq!(bytes("8 kb"), Some(8 << 10));
        assert_eq!(bytes("1TB"), None);
        assert_eq!(shown(4 << 30), "4GiB");
    }
}
