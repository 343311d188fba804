//! What the dashboard asks to be done to files: it is done here, beside it, and answered in words. The files are read anew
//! each time: they are the truth, and others change them too. The running instance follows them by itself.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::block_in_place,
};

use super::{
    doctor,
    follow::Follower,
    key_files::{self, Wanted},
};
use crate::{
    config::{self, Config, Environment, Flags},
    doctor::Sources,
    domain::{command::Command, key::Key, message::Message},
    engine::{self, task},
    store::{atomic, permissions},
    tui::errand::{Answer, Errand},
};

/// Where screens are kept, in the state folder.
const SCREENS: &str = "screens";

/// Who does it.
#[derive(Debug)]
pub(super) struct Clerk {
    pub(super) flags: Flags,
    pub(super) environment: Environment,
    /// The auth files of the instance that is shown.
    pub(super) auths_dir: PathBuf,
    /// Where screens go.
    pub(super) home: PathBuf,
    pub(super) zone: TimeZone,
    pub(super) commands: UnboundedSender<Command>,
}

impl Clerk {
    /// Starts the clerk beside a dashboard.
    pub(super) fn start(self) -> (UnboundedSender<Errand>, UnboundedReceiver<Answer>) {
        let ((errands, asked), (said, answers)) = (unbounded_channel(), unbounded_channel());
        task::spawn(self.serve(asked, said));
        (errands, answers)
    }

    /// Does one after the other, until nobody can ask any more.
    async fn serve(self, mut errands: UnboundedReceiver<Errand>, answers: UnboundedSender<Answer>) {
        while let Some(errand) = errands.recv().await {
            let of_new_key = matches!(errand, Errand::AddKey { .. });
            let said = self.carry_out(errand).await;
            if answers.send(Answer { of_new_key, said }).is_err() {
                break;
            }
        }
    }

    async fn carry_out(&self, errand: Errand) -> Result<Message, Message> {
        match errand {
            Errand::KeepScreen(pictures) => block_in_place(|| self.keep(&pictures)),
            Errand::AddKey { label, typed } => {
                let (config, keys) = block_in_place(|| self.read())?;
                let wanted = Wanted { label: &label, ..Wanted::default() };
                key_files::add(&wanted, typed.0, &config, &keys).await.map_err(|refusal| refusal.message)
            }
            Errand::ImportKeys => {
                let (config, keys) = block_in_place(|| self.read())?;
                let imported = block_in_place(|| {
                    let found = key_files::to_import(&[], &config, &self.environment, &keys);
                    key_files::import(&found.keys, &config)
                });
                imported.map_err(|refusal| refusal.message)
            }
            Errand::SwitchKey { label, disabled } => {
                let (config, keys) = block_in_place(|| self.read())?;
                let switched = block_in_place(|| key_files::switch(label.as_str(), disabled, &config, &keys));
                switched.map_err(|refusal| refusal.message)
            }
            Errand::FixPermissions => {
                let (config, keys) = block_in_place(|| self.read())?;
                let sources = Sources::new(&config, &self.environment, Vec::new(), &keys);
                let done = block_in_place(|| doctor::tighten(&sources))?;
                // What was mended is to be seen at once. A closed channel means that the dashboard is gone.
                let _ = self.commands.send(Command::RunDoctor);
                Ok(done)
            }
        }
    }

    /// Settings and keys as they are now.
    fn read(&self) -> Result<(Config, Vec<Key>), Message> {
        let read = config::load(&self.flags, &self.environment);
        let mut loaded = read.map_err(|problems| {
            let told = Message::new("errand-settings").with("count", problems.len());
            problems.into_iter().take(1).fold(told, |told, problem| told.with("first", problem.message))
        })?;
        loaded.config.auths_dir.clone_from(&self.auths_dir);
        let config = loaded.config.clone();
        let (_, keys) = Follower::new(self.flags.clone(), self.environment.clone(), loaded);
        Ok((config, keys))
    }

    fn keep(&self, pictures: &[(&'static str, String)]) -> Result<Message, Message> {
        let folder = self.home.join(SCREENS);
        let name = engine::wall().to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H-%M-%S").to_string();
        let failed = |path: &PathBuf, error: std::io::Error| {
            let message = Message::new("screenshot-failed").with("path", path.display().to_string());
            message.with("error", error.to_string())
        };
        permissions::private_folder(&folder, true).map_err(|error| failed(&folder, error))?;
        for (ending, content) in pictures {
            let path = folder.join(format!("{name}.{ending}"));
            atomic::write(&path, content.as_bytes()).map_err(|error| failed(&path, error))?;
        }
        let endings: Vec<&str> = pictures.iter().map(|(ending, _)| *ending).collect();
        let path = folder.join(format!("{name}.{{{}}}", endings.join(",")));
        Ok(Message::new("screen-kept").with("path", path.display().to_string()))
    }
}
