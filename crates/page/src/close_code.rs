//! Close codes that a page may not send: a WebSocket of a browser takes 1000 and 3000 to 4999, and no other.

/// The code on the wire that stands for `code`.
pub(crate) fn on_the_wire(code: u16) -> u16 {
    if may_be_sent(code) { code } else { REPLACED + code % 1000 }
}

fn may_be_sent(code: u16) -> bool {
    code == 1000 || (3000..=4999).contains(&code)
}

/// 4000 + (code − 1000).
const REPLACED: u16 = 4000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_a_page_may_not_send_becomes_one_of_its_own() {
        for (code, sent) in [(1000, 1000), (1001, 4001), (1009, 4009), (1014, 4014), (3000, 3000), (4999, 4999)] {
            assert_eq!(on_the_wire(code), sent);
        }
    }
}
