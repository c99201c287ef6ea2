"""Words of Secrets Manager's rotation that all of our secrets share.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from enum import StrEnum

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"
# Ours. Nobody puts AWSCURRENT: an edit is written under EDITED and then moved there, conditionally.
EDITED = "EDITED"
# Ours too: a restricted key that an operator gave, until a rotation has judged it.
STAGED = "STAGED"


class Step(StrEnum):
    """The four steps, in order; any of them can come again."""

    CREATE = "createSecret"
    SET = "setSecret"
    TEST = "testSecret"
    FINISH = "finishSecret"
