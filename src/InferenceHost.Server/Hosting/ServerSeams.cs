using InferenceHost.Server.Services;
using InferenceHost.Server.Supervision;

namespace InferenceHost.Server.Hosting;

/// <summary>What tests put in place of the real thing.</summary>
internal sealed record ServerSeams
{
    /// <summary>Starts engine processes; null = the real executable.</summary>
    public IWorkerLauncher? Launcher { get; init; }

    /// <summary>Clock and timers.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Says whose call it is.</summary>
    public ITenantResolver Tenants { get; init; } = new MetadataTenantResolver();

    /// <summary>Where the model comes from; null = verified from disk.</summary>
    public Func<ServerOptions, Catalogue.ServedModel>? Model { get; init; }

    /// <summary>Tries new adapters; null = in a throw-away process.</summary>
    public Adapters.IAdapterProbe? Probe { get; init; }

    /// <summary>Standard error.</summary>
    public TextWriter Log { get; init; } = Console.Error;
}
