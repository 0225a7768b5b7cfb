"""What access tokens may be asked for, in the words of the documented systems: some are of no use here yet."""

SCOPES = frozenset({"authenticator", "oidc", "phone_check"})
