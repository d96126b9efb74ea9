using InferenceHost.Server.Hosting;
using InferenceHost.Server.Tests.Scripted;

namespace InferenceHost.Server.Tests.Hosting;

public sealed class OwnedFolderTests
{
    [Fact]
    public void AFolderHasOneOwnerAtATime()
    {
        using var parent = new TempFolder();
        var path = Path.Combine(parent.Path, "state");
        using (OwnedFolder.Open(path))
            Assert.Throws<IOException>(() => OwnedFolder.Open(path));
        using (OwnedFolder.Open(path))
        {
        }
        Assert.True(Directory.Exists(path));
    }

    [Fact]
    public void ATemporaryFolderIsPrivateAndGoneAtTheEnd()
    {
        var folder = OwnedFolder.CreateTemporary("inferencehost-test-");
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder.Path));
        File.WriteAllText(Path.Combine(folder.Path, "x"), "x");
        folder.Dispose();
        Assert.False(Directory.Exists(folder.Path));
    }

    [Fact]
    public void WhatAServerLeftBehindIsRemovedAndNothingElse()
    {
        using var parent = new TempFolder();
        string Make(string name, bool hasLock, bool isOld)
        {
            var path = Directory.CreateDirectory(Path.Combine(parent.Path, name)).FullName;
            File.WriteAllText(Path.Combine(path, "adapter.gguf"), "x");
            if (hasLock)
                File.WriteAllText(Path.Combine(path, "owner.lock"), "");
            if (hasLock && isOld)
                File.SetLastWriteTimeUtc(Path.Combine(path, "owner.lock"), DateTime.UtcNow.AddHours(-1));
            return path;
        }
        var abandoned = Make("mine-1", hasLock: true, isOld: true);
        string[] kept = [Make("mine-2", hasLock: true, isOld: false), Make("mine-3", hasLock: false, isOld: true), Make("other-1", hasLock: true, isOld: true)];
        using var owned = OwnedFolder.Open(Path.Combine(parent.Path, "mine-4"));
        File.SetLastWriteTimeUtc(Path.Combine(owned.Path, "owner.lock"), DateTime.UtcNow.AddHours(-1));
        OwnedFolder.RemoveAbandoned(parent.Path, "mine-");
        Assert.False(Directory.Exists(abandoned));
        Assert.All([.. kept, owned.Path], path => Assert.True(Directory.Exists(path)));
    }
}
