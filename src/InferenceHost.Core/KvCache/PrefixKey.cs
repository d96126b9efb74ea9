namespace InferenceHost.Core.KvCache;

/// <summary>
/// Who may share cells with whom: cells are shared only under an equal key, so never across tenants, adapters, generations of an adapter, or strengths of it.
/// </summary>
/// <param name="Tenant">Tenant (or its salt).</param>
/// <param name="AdapterGeneration">Content hash of the adapter; empty = base model.</param>
/// <param name="AdapterScale">Factor on its strength.</param>
public readonly record struct PrefixKey(string Tenant, string AdapterGeneration, float AdapterScale);
