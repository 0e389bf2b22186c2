//! Answers that are read whole: no larger than they may be, and not cut.
//!
//! The SDK collects such an answer in memory before it reads it, whatever its length, and its XML
//! reader takes a document that ends early for one that holds less. A server that is hostile or broken
//! can so fill memory or hide objects. The bytes are checked here, on their way to the SDK.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use hyper::body::{Body, Bytes, Frame};

/// Room for the end of a document: its last tag and the blanks behind it.
const TAIL: usize = 64;

/// Checks the bytes of every answer of a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct CheckedAnswers {
    /// The most bytes an answer may have.
    pub(super) most: u64,
    /// What a good answer ends with.
    pub(super) end: Option<&'static str>,
}

impl Intercept for CheckedAnswers {
    fn name(&self) -> &'static str {
        "CheckedAnswers"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        let good = response.status().is_success();
        let body = CheckedBody {
            inner: response.take_body(),
            most: self.most,
            read: 0,
            tail: Vec::new(),
            end: self.end.filter(|_| good),
        };
        *response.body_mut() = SdkBody::from_body_1_x(body);
        Ok(())
    }
}

/// A body that fails instead of growing too large or ending early.
struct CheckedBody {
    inner: SdkBody,
    most: u64,
    read: u64,
    /// The last bytes that came.
    tail: Vec<u8>,
    end: Option<&'static str>,
}

impl CheckedBody {
    fn take(&mut self, bytes: &[u8]) -> Result<(), BoxError> {
        self.read += bytes.len() as u64;
        if self.read > self.most {
            return Err(format!(
                "the answer has more than {} bytes, which no answer of AWS has",
                self.most
            )
            .into());
        }
        let from = bytes.len().saturating_sub(TAIL);
        self.tail
            .extend_from_slice(bytes.get(from..).unwrap_or_default());
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
        Ok(())
    }

    fn finish(&self) -> Result<(), BoxError> {
        match self.end {
            Some(end) if !self.tail.trim_ascii_end().ends_with(end.as_bytes()) => Err(format!(
                "the answer was cut short after {} bytes: its end is missing",
                self.read
            )
            .into()),
            _ => Ok(()),
        }
    }
}

impl Body for CheckedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        Poll::Ready(match frame {
            None => self.finish().err().map(Err),
            Some(Err(error)) => Some(Err(error)),
            Some(Ok(frame)) => {
                let taken = frame.data_ref().map_or(Ok(()), |data| self.take(data));
                Some(taken.map(|()| frame))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(chunks: &[&str], end: Option<&'static str>) -> Result<(), String> {
        let mut body = CheckedBody {
            inner: SdkBody::empty(),
            most: 100,
            read: 0,
            tail: Vec::new(),
            end,
        };
        for chunk in chunks {
            body.take(chunk.as_bytes())
                .map_err(|error| error.to_string())?;
        }
        body.finish().map_err(|error| error.to_string())
    }

    #[test]
    fn an_answer_that_is_cut_or_too_large_fails() {
        let end = Some("</L>");
        assert_eq!(body(&["<L>", "</L", ">\n"], end), Ok(()));
        assert!(
            body(&["<L><Key>"], end)
                .unwrap_err()
                .contains("cut short after 8")
        );
        assert!(body(&[], end).is_err());
        assert_eq!(body(&["anything"], None), Ok(()));
        let long = "x".repeat(60);
        assert!(
            body(&[&long, &long], None)
                .unwrap_err()
                .contains("more than 100")
        );
    }
}
