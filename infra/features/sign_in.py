"""A Cognito user pool, for stages without an issuer of their own."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.blocks.checks import accept
from infra.stage import Stage

# Every scope of the API, those of routes to come too: a token client need not be made again.
SCOPES = {
    "payments:read": "See payments",
    "payments:write": "Make, capture and cancel payments",
    "payments:amount": "Name an amount instead of prices",
    "payments:any": "Act for every user's payments",
    "refunds:read": "See refunds",
    "refunds:write": "Make refunds",
    "customers:read": "See customers",
    "customers:write": "Make customers and portal sessions",
    "customers:any": "Act for every user's customer",
    "subscriptions:read": "See subscriptions",
    "subscriptions:write": "Make, change and end subscriptions",
    "subscriptions:any": "Act for every user's subscriptions",
}
# What a shopper's browser may do: pay, and see what was paid. The rest is for machines.
SHOP_SCOPES = ("payments:read", "payments:write")


class SignIn(Construct):
    """The pool, a client for machines (client credentials), one for the shop (code with PKCE).

    It is kept with the data: a payment belongs to a shopper's `sub`, which only this pool knows.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        keep = stage.keeps_data
        self.pool = cognito.UserPool(
            self,
            "Pool",
            user_pool_name=stage.named("shoppers"),
            self_sign_up_enabled=stage.jwt.self_sign_up,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
            ),
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(sms=False, otp=True),
            deletion_protection=keep,
            removal_policy=RemovalPolicy.RETAIN if keep else RemovalPolicy.DESTROY,
        )
        accept(self.pool, "COG2", "Shoppers may use a second factor; a shop cannot demand one.")
        accept(self.pool, "COG8", "The paid plan adds threat protection: the customer's choice.")
        self._domain = self.pool.add_domain(
            "Domain",
            # A prefix is unique in a region among all accounts of AWS.
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=stage.named(Aws.ACCOUNT_ID)),
        )
        self._scopes = {
            name: cognito.ResourceServerScope(scope_name=name, scope_description=description)
            for name, description in SCOPES.items()
        }
        self._server = self.pool.add_resource_server(
            "Api", identifier=f"paidonce-{stage.name}", scopes=list(self._scopes.values())
        )
        self.machine = self._machine_client()
        self.shop = self._shop_client(stage) if stage.jwt.callback_urls else None
        self.token_url = f"{self._domain.base_url()}/oauth2/token"

    @property
    def clients(self) -> list[cognito.UserPoolClient]:
        """Those whose tokens the API accepts."""
        return [self.machine, *([self.shop] if self.shop else [])]

    def _scope(self, name: str) -> cognito.OAuthScope:
        return cognito.OAuthScope.resource_server(self._server, self._scopes[name])

    def _machine_client(self) -> cognito.UserPoolClient:
        return self.pool.add_client(
            "Machine",
            user_pool_client_name="machine",
            generate_secret=True,
            access_token_validity=Duration.hours(1),
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(client_credentials=True),
                scopes=[self._scope(name) for name in SCOPES],
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
        )

    def _shop_client(self, stage: Stage) -> cognito.UserPoolClient:
        """Public, so without a secret: PKCE proves who began the sign-in."""
        return self.pool.add_client(
            "Shop",
            user_pool_client_name="shop",
            generate_secret=False,
            prevent_user_existence_errors=True,
            access_token_validity=Duration.hours(1),
            refresh_token_validity=Duration.days(30),
            enable_token_revocation=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID, *(self._scope(name) for name in SHOP_SCOPES)],
                callback_urls=list(stage.jwt.callback_urls),
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
        )
