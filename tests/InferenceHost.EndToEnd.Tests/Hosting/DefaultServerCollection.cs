namespace InferenceHost.EndToEnd.Tests.Hosting;

[CollectionDefinition(DefaultServer.Collection)]
public sealed class DefaultServerCollection : ICollectionFixture<DefaultServer>;
