//! The demo's accounts and the auth files that name them, in each of the formats that are read. Not real: the keys
//! say so, and the mails go nowhere.

use std::{
    fs::{DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

use serde_json::json;

use super::{
    accounts::{Account, Usages},
    behaviour::{Behaviour, Refusal},
    quota::{Quota, Window},
};

/// How much faster the demo's quotas live: its five hours are three minutes.
const FASTER: u32 = 100;
/// Between two pieces of a demo stream.
const PACE: Duration = Duration::from_millis(90);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How an auth file is written.
#[derive(Debug, Clone, Copy)]
enum Format {
    Env,
    Toml,
    Json,
}

/// One sample: limit and use of each window, and what a chat takes.
struct Sample {
    name: &'static str,
    format: Format,
    priority: i32,
    /// Whose quota it is; two names of one person share it.
    person: &'static str,
    five_hours: (u32, u32),
    week: (u32, u32),
    month: (u32, u32),
    drain: u32,
    usages: Usages,
}

const SAMPLES: [Sample; 6] = [
    Sample {
        name: "alpha",
        format: Format::Env,
        priority: 10,
        person: "ada",
        five_hours: (1200, 84),
        week: (9000, 1530),
        month: (36_000, 4700),
        drain: 3,
        usages: Usages::Both,
    },
    Sample {
        name: "bravo",
        format: Format::Toml,
        priority: 0,
        person: "ben",
        five_hours: (200, 60),
        week: (2048, 700),
        month: (8000, 2100),
        drain: 6,
        usages: Usages::Counts,
    },
    Sample {
        name: "charlie",
        format: Format::Json,
        priority: 0,
        person: "cleo",
        five_hours: (1000, 210),
        week: (4000, 1700),
        month: (16_000, 9100),
        drain: 4,
        usages: Usages::Ratios,
    },
    Sample {
        name: "delta",
        format: Format::Env,
        priority: 0,
        person: "dora",
        five_hours: (100, 0),
        week: (100, 41),
        month: (100, 12),
        drain: 1,
        usages: Usages::Counts,
    },
    Sample {
        name: "echo",
        format: Format::Toml,
        priority: 0,
        person: "eli",
        five_hours: (300, 45),
        week: (1000, 958),
        month: (4000, 3100),
        drain: 3,
        usages: Usages::Both,
    },
    Sample {
        name: "foxtrot",
        format: Format::Json,
        priority: -5,
        person: "ada",
        five_hours: (1200, 84),
        week: (9000, 1530),
        month: (36_000, 4700),
        drain: 3,
        usages: Usages::Both,
    },
];

/// Writes the sample auth files into `dir` (700, made when missing; files 600), each naming `base_url`, and tells the
/// accounts that a simulator is to have.
pub fn sample(dir: &Path, base_url: &str) -> io::Result<Vec<Account>> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    SAMPLES
        .iter()
        .map(|sample| {
            let account = sample.account();
            let (name, text) = sample.file(&account, base_url);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.join(name))?;
            file.write_all(text.as_bytes())?;
            Ok(account)
        })
        .collect()
}

impl Sample {
    fn account(&self) -> Account {
        let window = |(limit, used), span: Duration| Window::new(limit, used, span);
        let quota = Quota {
            five_hours: window(self.five_hours, DAY * 5 / 24),
            week: window(self.week, DAY * 7),
            month: window(self.month, DAY * 30),
            drain: self.drain,
        };
        Account {
            user_id: format!("demo-user-{}", self.person),
            email: format!("{}@example.com", self.person),
            behaviour: behaviour(self.name),
            quota: quota.faster(FASTER),
            usages: self.usages.clone(),
            pace: PACE,
            ..Account::new(&format!("sk-kimi-demo-not-a-real-key-{}", self.name))
        }
    }

    /// The auth file's name and text.
    fn file(&self, account: &Account, base_url: &str) -> (String, String) {
        let Account { key, email, .. } = account;
        let name = self.name;
        match self.format {
            Format::Env => (
                format!("{name}.env"),
                format!(
                    "# A sample of the demo.\nKMI_API_KEY={key}\nKMI_KEY_LABEL={name}\nKMI_KEY_PRIORITY={}\n\
                     KMI_ACCOUNT_EMAIL={email}\nKMI_UPSTREAM_BASE_URL={base_url}\n",
                    self.priority
                ),
            ),
            Format::Toml => (
                format!("{name}.toml"),
                format!(
                    "# A sample of the demo.\n[providers.\"managed:kimi-code\"]\ntype = \"kimi\"\n\
                     base_url = \"{base_url}\"\napi_key = \"{key}\"\nemail = \"{email}\"\n"
                ),
            ),
            Format::Json => (
                format!("{name}.json"),
                format!(
                    "{:#}\n",
                    json!({"providers": {"kimi-for-coding": {"type": "kimi", "base_url": base_url, "api_key": key,
                        "email": email}}})
                ),
            ),
        }
    }
}

/// What is special about a sample, beside its quota.
fn behaviour(name: &str) -> Behaviour {
    match name {
        "charlie" => Behaviour::Every {
            nth: 6,
            behaviour: Box::new(Refusal::RateLimited { retry_after: Some("20".to_owned()) }.into()),
        },
        "delta" => Refusal::PaymentRequired.into(),
        _ => Behaviour::Healthy,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn samples_are_private_files_that_name_the_simulator_and_its_keys() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let auths = dir.path().join("auths");
        let accounts = sample(&auths, "http://127.0.0.1:9/coding/v1").expect("written");
        assert_eq!(accounts.len(), SAMPLES.len());
        for (account, sample) in accounts.iter().zip(&SAMPLES) {
            let path = auths.join(sample.file(account, "").0);
            let text = std::fs::read_to_string(&path).expect("readable");
            assert!(text.contains(&account.key) && text.contains("http://127.0.0.1:9/coding/v1"), "{text}");
            assert!(account.key.len() >= 24);
            let mode = std::fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
            match sample.format {
                Format::Env => assert!(text.contains(&format!("KMI_KEY_LABEL={}\n", sample.name))),
                Format::Toml => assert!(toml::from_str::<toml::Table>(&text).is_ok(), "{text}"),
                Format::Json => assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}"),
            }
        }
        assert!(sample(&auths, "http://127.0.0.1:9").is_err(), "what is there is not overwritten");
    }

    #[test]
    fn alpha_and_foxtrot_are_one_person() {
        let [alpha, .., foxtrot] = SAMPLES.each_ref().map(Sample::account);
        assert_eq!((&alpha.user_id, &alpha.quota), (&foxtrot.user_id, &foxtrot.quota));
        assert_ne!(alpha.key, foxtrot.key);
    }
}
