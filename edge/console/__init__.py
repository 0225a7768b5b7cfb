"""The console: pages at which administrators run their tenants, and the operator all of them.

Every page works without a script. Every form is answered by another page, or by itself with what is wrong with it.
"""

from edge.calls import Call, Content, Credential
from edge.console import accounts, agents, audit, forms, health, operator, settings, tenants, usage
from edge.console.dialect import ConsoleDialect
from edge.routes import Route, Surface
from engine import errors as engine

ADMINISTRATOR = Credential("consoleSession", {"type": "apiKey", "in": "cookie", "name": "watchword-console"})
OPERATOR = Credential("operatorSession", {"type": "apiKey", "in": "cookie", "name": "watchword-console"})

_FORM = "application/x-www-form-urlencoded"
_OWN = (ADMINISTRATOR,)
_ALL = (OPERATOR,)
_OF_TENANT = (engine.UnknownTenant, engine.TenantInactive)

SURFACE = Surface(
    name="console_pages",
    description="Pages for administrators and the operator.",
    prefix="/console",
    dialect=ConsoleDialect(),
    is_api=False,
    routes=(
        Route(
            "",
            {
                "GET": Call(tenants.show_home, "An administrator's tenants", credentials=_OWN),
                "POST": Call(
                    tenants.create_tenant_at_console,
                    "Create a tenant",
                    body=Content(forms.NewTenant, _FORM),
                    credentials=_OWN,
                    refusals=(engine.TenantNameTaken, engine.LimitExceeded),
                ),
            },
        ),
        Route(
            "/log-in",
            {
                "GET": Call(accounts.show_log_in, "Where to log in"),
                "POST": Call(
                    accounts.log_in,
                    "Log in",
                    body=Content(forms.LogIn, _FORM),
                    refusals=(engine.WrongPassword, engine.LimitExceeded, engine.Busy),
                ),
            },
        ),
        Route(
            "/sign-up",
            {
                "GET": Call(accounts.show_sign_up, "Where to sign up"),
                "POST": Call(
                    accounts.sign_up_at_console,
                    "Sign up",
                    body=Content(forms.SignUp, _FORM),
                    refusals=(engine.EmailTaken, engine.LimitExceeded, engine.Busy),
                ),
            },
        ),
        Route("/log-out", {"POST": Call(accounts.log_out, "Log out", body=Content(forms.LogOut, _FORM))}),
        Route(
            "/password",
            {
                "GET": Call(accounts.show_password, "Where to change the password", credentials=_OWN),
                "POST": Call(
                    accounts.change_password,
                    "Change the password, and end all other sessions",
                    body=Content(forms.PasswordChange, _FORM),
                    credentials=_OWN,
                    refusals=(engine.LimitExceeded, engine.Busy),
                ),
            },
        ),
        Route(
            "/tenants/{tenant_id}",
            {
                "GET": Call(
                    tenants.show_tenant, "A tenant and its API keys", credentials=_OWN, refusals=_OF_TENANT
                ),
                "POST": Call(
                    tenants.replace_api_keys,
                    "Get a new API key, and end the earlier ones",
                    body=Content(forms.KeyRefresh, _FORM),
                    credentials=_OWN,
                    refusals=(*_OF_TENANT, engine.KeysChanged),
                ),
            },
        ),
        Route(
            "/tenants/{tenant_id}/passcodes",
            {
                "GET": Call(settings.show_passcodes, "How passcodes look", credentials=_OWN, refusals=_OF_TENANT),
                "POST": Call(
                    settings.set_passcodes,
                    "Try or save how passcodes look",
                    body=Content(forms.Passcodes, _FORM),
                    credentials=_OWN,
                    refusals=_OF_TENANT,
                ),
            },
        ),
        Route(
            "/tenants/{tenant_id}/origins",
            {
                "GET": Call(
                    settings.show_origins, "Whose pages may use a tenant", credentials=_OWN, refusals=_OF_TENANT
                ),
                "POST": Call(
                    settings.set_origins,
                    "Say whose pages may use a tenant",
                    body=Content(forms.Origins, _FORM),
                    credentials=_OWN,
                    refusals=_OF_TENANT,
                ),
            },
        ),
        Route(
            "/tenants/{tenant_id}/agents",
            {
                "GET": Call(agents.show_agents, "A tenant's agents", credentials=_OWN, refusals=_OF_TENANT),
                "POST": Call(
                    agents.create_agent,
                    "Give an agent a log-in",
                    body=Content(forms.NewAgent, _FORM),
                    credentials=_OWN,
                    refusals=(*_OF_TENANT, engine.AgentTaken, engine.TooManyAgents, engine.Busy),
                ),
            },
        ),
        Route(
            "/tenants/{tenant_id}/agents/password",
            {
                "POST": Call(
                    agents.reset_agent_password,
                    "Give an agent a new password",
                    body=Content(forms.KnownAgent, _FORM),
                    credentials=_OWN,
                    refusals=(*_OF_TENANT, engine.UnknownAgent, engine.Busy),
                )
            },
        ),
        Route(
            "/tenants/{tenant_id}/agents/end",
            {
                "POST": Call(
                    agents.delete_agent,
                    "End an agent's log-in",
                    body=Content(forms.KnownAgent, _FORM),
                    credentials=_OWN,
                    refusals=(*_OF_TENANT, engine.UnknownAgent),
                )
            },
        ),
        Route(
            "/tenants/{tenant_id}/usage",
            {"GET": Call(usage.show_usage, "What was done with a tenant", credentials=_OWN, refusals=_OF_TENANT)},
        ),
        Route(
            "/tenants/{tenant_id}/audit",
            {
                "GET": Call(
                    audit.show_audit,
                    "A tenant's audit trail",
                    query=audit.Sought,
                    credentials=_OWN,
                    refusals=_OF_TENANT,
                ),
                "POST": Call(
                    audit.find_pass_key,
                    "What was done with a pass key",
                    body=Content(forms.PassKey, _FORM),
                    credentials=_OWN,
                    refusals=_OF_TENANT,
                ),
            },
        ),
        Route(
            "/tenants/{tenant_id}/audit.csv",
            {
                "GET": Call(
                    audit.export_audit,
                    "A tenant's audit trail as a file",
                    query=audit.Sought,
                    credentials=_OWN,
                    refusals=_OF_TENANT,
                )
            },
        ),
        Route(
            "/operator/audit",
            {"GET": Call(audit.show_journal, "The journal", query=audit.Sought, credentials=_ALL)},
        ),
        Route(
            "/operator/audit.csv",
            {"GET": Call(audit.export_journal, "The journal as a file", query=audit.Sought, credentials=_ALL)},
        ),
        Route("/operator", {"GET": Call(operator.list_tenants, "All tenants", credentials=_ALL)}),
        Route("/operator/health", {"GET": Call(health.show_health, "What is wrong", credentials=_ALL)}),
        Route(
            "/operator/tenants/{tenant_id}",
            {
                "GET": Call(
                    operator.manage_tenant,
                    "Any tenant, as the operator sees it",
                    credentials=_ALL,
                    refusals=(engine.UnknownTenant,),
                )
            },
        ),
        Route(
            "/operator/tenants/{tenant_id}/state",
            {
                "POST": Call(
                    operator.set_state,
                    "Activate or suspend a tenant",
                    body=Content(forms.StateChange, _FORM),
                    credentials=_ALL,
                    refusals=(engine.UnknownTenant,),
                )
            },
        ),
        Route(
            "/operator/tenants/{tenant_id}/limits",
            {
                "POST": Call(
                    operator.set_limits,
                    "Limit a tenant",
                    body=Content(forms.Limits, _FORM),
                    credentials=_ALL,
                    refusals=(engine.UnknownTenant,),
                )
            },
        ),
    ),
)
