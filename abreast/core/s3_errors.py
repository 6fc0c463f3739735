"""Errors of S3 libraries in one line that names the knob to check."""

from collections.abc import Iterator
from contextlib import contextmanager

from abreast.core.errors import AbreastError, Unavailable


@contextmanager
def s3_refusals(url: str, endpoint: str | None, knob: str, endpoint_knob: str) -> Iterator[None]:
    """Turn boto3's exceptions within the block into refusals.

    Args:
        url: the bucket and prefix that was asked for, `s3://bucket/prefix`, which the knob `knob` holds.
        endpoint: the server's address, which `endpoint_knob` holds; None is AWS.

    Raises:
        AbreastError: no credentials, no such bucket, or the server refused.
        Unavailable: no server answers.
    """
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError:
        raise AbreastError(
            f"knob `{knob}` is {url}, but no AWS credentials were found; "
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        ) from None
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        if code in ("NoSuchBucket", "404", "NotFound"):
            raise AbreastError(f"knob `{knob}`: {url}: no such bucket; make it, or name another") from None
        raise AbreastError(f"knob `{knob}`: {url}: the S3 server refused ({code}): {message}") from None
    except (ConnectionError, HTTPClientError) as error:
        where = endpoint or "AWS"
        raise Unavailable(f"knob `{endpoint_knob}`: no S3 server answers at {where}: {error}") from None
    except BotoCoreError as error:
        raise AbreastError(f"knob `{knob}`: {url}: {error}") from None
