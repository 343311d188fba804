//! Auth files that are made and changed by command. Text in, text out: who writes it is elsewhere, and so is reading it.

use crate::{
    config::env_file::assigns,
    domain::{base_url::BaseUrl, key::Secret},
};

/// Longest label of a key that is added here: it becomes a file's name.
const LABEL_MAX: usize = 64;

/// What a new auth file says.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) label: &'a str,
    pub(crate) secret: &'a Secret,
    pub(crate) base: Option<&'a BaseUrl>,
    pub(crate) priority: Option<i64>,
    pub(crate) email: Option<&'a str>,
}

/// Whether a label can be a file's name: letters, digits, `.`, `_`, `-`, not beginning with a dot or a dash.
pub(crate) fn can_be_file(label: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !label.is_empty() && label.len() <= LABEL_MAX && !label.starts_with(['.', '-']) && label.bytes().all(known)
}

/// The content of a new `.env` auth file. It holds the secret.
pub(crate) fn content(draft: &Draft<'_>) -> String {
    let lines = [
        Some(format!("KMI_API_KEY={}", draft.secret.expose())),
        Some(format!("KMI_KEY_LABEL={}", draft.label)),
        draft.base.map(|base| format!("KMI_UPSTREAM_BASE_URL={base}")),
        draft.priority.map(|priority| format!("KMI_KEY_PRIORITY={priority}")),
        draft.email.map(|email| format!("KMI_ACCOUNT_EMAIL={email}")),
    ];
    lines.into_iter().flatten().map(|line| line + "\n").collect()
}

/// The same `.env` file with its key switched off or on; everything else stays as it is.
pub(crate) fn switched(content: &str, disabled: bool) -> String {
    let is_switch = |line: &&str| assigns(line, "KMI_KEY_DISABLED");
    let mut kept: String = content.split_inclusive('\n').filter(|line| !is_switch(line)).collect();
    if disabled {
        if !kept.is_empty() && !kept.ends_with('\n') {
            kept.push('\n');
        }
        kept.push_str("KMI_KEY_DISABLED=1\n");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_is_no_file_s_name_is_found() {
        for (label, expected) in [
            ("alpha", true),
            ("a.b_c-2", true),
            ("", false),
            (".hidden", false),
            ("-x", false),
            ("../up", false),
            ("a b", false),
            ("ключ", false),
            (&"x".repeat(65), false),
        ] {
            assert_eq!(can_be_file(label), expected, "{label}");
        }
    }

    #[test]
    fn a_switch_changes_nothing_else() {
        let on = "# mine\nKMI_API_KEY=sk-a\n";
        for (before, disabled, after) in [
            (on, true, "# mine\nKMI_API_KEY=sk-a\nKMI_KEY_DISABLED=1\n"),
            ("KMI_API_KEY=sk-a", true, "KMI_API_KEY=sk-a\nKMI_KEY_DISABLED=1\n"),
            ("KMI_KEY_DISABLED = 1\nKMI_API_KEY=sk-a\nexport KMI_KEY_DISABLED=yes\n", false, "KMI_API_KEY=sk-a\n"),
            ("#KMI_KEY_DISABLED=1\nKMI_KEY_DISABLED_X=1\n", false, "#KMI_KEY_DISABLED=1\nKMI_KEY_DISABLED_X=1\n"),
            (on, false, on),
        ] {
            assert_eq!(switched(before, disabled), after);
        }
    }
}
