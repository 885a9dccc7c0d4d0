"""EventBridge's own API over HTTP: JSON 1.1, as boto3, the AWS CLI and any SDK speak it."""
