"""The embedded AWS: ministack 1.5.33 with what it lacks, each extension in a module of its own.

| module | as on AWS, which ministack is not |
|---|---|
| secret_versions | labels are unique; a token names one value for ever; a version can lack one |
| rotation | RotateSecret calls the four steps, and is refused while AWSPENDING sits elsewhere |
| template_properties | Ref of a Secret is its ARN; ProviderURL; TTL, recovery, encryption stay |
| template_types | rotation schedules, secret policies, composite alarms; inert placeholders |
| metrics | EMF lines and AWS/Lambda, AWS/SQS, AWS/ApiGateway become metrics |
| alarms, metric_math | alarms look at dimensions, periods, missing data and metric math |
| http_api | a body that is not UTF-8 arrives as base64; a function's error is a bare 500 |
| streams | a failed record is tried again, in halves, then goes to the failure destination |
| principals | aws:PrincipalArn of a role is the role's ARN, not its session's |
| workers | a function sees boto3 and its own layers, nothing else that is installed here |
| controls | /_paidonce/…: tokens for any caller, workers by process id, alarms evaluated now |

Run it with `python -m local.aws` in .venv/cloud, from the checkout. It binds 127.0.0.1 only.
"""
