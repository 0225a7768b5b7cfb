"""Where spans go: an OpenTelemetry collector, by OTLP over HTTP. Needs the extra `watchword[otel]`."""

import os
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def tracer_provider(url: str) -> TracerProvider:
    """A provider that delivers in batches, from a thread of its own, and the rest when the process leaves.

    Sampling and naming follow OpenTelemetry's own variables, as OTEL_TRACES_SAMPLER and OTEL_SERVICE_NAME.
    """
    name = os.environ.get("OTEL_SERVICE_NAME", "watchword")
    resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: version("watchword")})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    return provider
