//! What systemd is told (sd_notify(3)), if it is there: without it every word is for nobody.

use sd_notify::NotifyState;
use std::future::pending;
use tokio::time::sleep;

fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}

/// It is up, or up again.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It reads its files anew; since systemd 253 with the time, so that an answer of before does not count.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// It ends.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says that it is alive, twice as often as systemd wants to hear it: a runtime that no longer turns says nothing.
pub async fn beat() {
    let Some(within) = sd_notify::watchdog_enabled() else { return pending().await };
    loop {
        tell(&[NotifyState::Watchdog]);
        sleep(within / 2).await;
    }
}
