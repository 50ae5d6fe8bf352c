//! When a webhook is retried, and when its endpoint is disabled.

use std::time::Duration;

use super::{Response, SendError};

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The wait after each failed attempt.
const STEPS: [Duration; 7] = [
    Duration::from_secs(5 * SECOND),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(10 * HOUR),
];

/// The number of attempts, including the first.
pub const MAX_ATTEMPTS: u32 = 8;
/// An endpoint that has only failed for this long is disabled.
pub const DISABLED_AFTER: Duration = Duration::from_secs(5 * 24 * HOUR);
/// The most that a wait is extended at random, as a part of it. Messages that failed together are not retried
/// together.
const JITTER: f64 = 0.2;

/// The consequence of an attempt for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The endpoint has it.
    Delivered,
    /// To be sent again, after the time that the endpoint asked for.
    Retry(Option<Duration>),
    /// The endpoint wants no more messages: 410.
    Gone,
}

/// Returns what the result of an attempt means. Only 2xx is a success; a redirect is a failure.
pub fn verdict(result: &Result<Response, SendError>) -> Verdict {
    match result {
        Ok(response) => match response.status {
            200..=299 => Verdict::Delivered,
            410 => Verdict::Gone,
            _ => Verdict::Retry(response.retry_after),
        },
        Err(_) => Verdict::Retry(None),
    }
}

/// Returns the wait before the next attempt, or `None` if this was the last. `attempt` counts from 1, `random` is
/// from 0 to 1.
///
/// The endpoint's `Retry-After` extends the wait, up to that of the following step.
pub fn wait_after(attempt: u32, retry_after: Option<Duration>, random: f64) -> Option<Duration> {
    let step = usize::try_from(attempt.checked_sub(1)?).ok()?;
    let own = *STEPS.get(step)?;
    let most = STEPS.get(step + 1).copied().unwrap_or(own);
    let asked = retry_after.unwrap_or_default().min(most);
    let wait = own.max(asked);
    Some(wait.mul_f64(1.0 + JITTER * random.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn retries_follow_the_schedule() {
        let waits = (1..).map_while(|attempt| wait_after(attempt, None, 0.0));
        let seconds: Vec<_> = waits.map(|wait| wait.as_secs()).collect();
        assert_eq!(seconds, [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000]);
        assert_eq!(seconds.len() + 1, MAX_ATTEMPTS as usize);
        assert_eq!(wait_after(0, None, 0.0), None);
    }

    #[test]
    fn retry_after_is_honoured_up_to_the_next_step() {
        let wait = |attempt, seconds| {
            wait_after(attempt, Some(Duration::from_secs(seconds)), 0.0).map(|it| it.as_secs())
        };
        assert_eq!(wait(1, 2), Some(5));
        assert_eq!(wait(1, 60), Some(60));
        assert_eq!(wait(1, 3_600), Some(300));
        assert_eq!(wait(7, u64::MAX), Some(36_000));
        assert_eq!(wait(8, 60), None);
    }

    #[test]
    fn only_2xx_is_a_success() {
        let status = |status| {
            verdict(&Ok(Response {
                status,
                duration: Duration::ZERO,
                retry_after: None,
            }))
        };
        for good in [200, 201, 204, 299] {
            assert_eq!(status(good), Verdict::Delivered);
        }
        for bad in [100, 199, 300, 301, 304, 307, 400, 404, 429, 500, 503] {
            assert_eq!(status(bad), Verdict::Retry(None));
        }
        assert_eq!(status(410), Verdict::Gone);
        assert_eq!(verdict(&Err(SendError::Timeout)), Verdict::Retry(None));
    }

    proptest! {
        #[test]
        fn jitter_extends_a_wait_by_a_fifth_at_most(
            attempt in 1_u32..8,
            asked in proptest::option::of(any::<u64>()),
            random in 0.0_f64..=1.0,
        ) {
            let asked = asked.map(Duration::from_secs);
            let least = wait_after(attempt, asked, 0.0).unwrap();
            let wait = wait_after(attempt, asked, random).unwrap();
            prop_assert!(wait >= least);
            prop_assert!(wait <= least.mul_f64(1.2));
            prop_assert!(least >= wait_after(attempt, None, 0.0).unwrap());
        }
    }
}
