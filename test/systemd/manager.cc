// A service manager as small as a test needs: holds listening sockets, takes notifications, restarts the
// service.
//
// SIGUSR1 stops the service and starts it again; SIGTERM stops it and ends.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int OpenNotifySocket(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const bool is_abstract = name.front() == '@';
  if (is_abstract) address.sun_path[0] = '\0';
  const socklen_t length = offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract ? 0 : 1);
  const int taken = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (taken < 0 || bind(taken, reinterpret_cast<sockaddr*>(&address), length) != 0) Fail("notify socket");
  return taken;
}

int OpenListener(const std::string& name) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  const int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(taken, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(taken, 4096) != 0)
    Fail("listener");
  getsockname(taken, reinterpret_cast<sockaddr*>(&address), &length);
  std::printf("socket %s %d\n", name.c_str(), ntohs(address.sin_port));
  return taken;
}

pid_t Start(const std::vector<int>& listeners, const std::string& names, char** command) {
  const pid_t service = fork();
  if (service < 0) Fail("fork");
  if (service > 0) {
    std::printf("started %d\n", service);
    return service;
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<int> moved;
  for (const int listener : listeners) moved.push_back(fcntl(listener, F_DUPFD, 100));
  for (std::size_t i = 0; i < moved.size(); ++i) {
    dup2(moved[i], static_cast<int>(3 + i));
    close(moved[i]);
  }
  setenv("LISTEN_FDS", std::to_string(listeners.size()).c_str(), 1);
  setenv("LISTEN_FDNAMES", names.c_str(), 1);
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  execvp(command[0], command);
  Fail(command[0]);
}

void Reap(pid_t service) {
  int status = 0;
  waitpid(service, &status, 0);
  std::printf("ended %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const int notifications = OpenNotifySocket(argv[1]);
  std::vector<int> listeners;
  std::string names;
  int next = 2;
  for (; next < argc && std::string(argv[next]) != "--"; ++next) {
    listeners.push_back(OpenListener(argv[next]));
    names += (names.empty() ? "" : ":") + std::string(argv[next]);
  }
  char** command = argv + next + 1;
  setenv("NOTIFY_SOCKET", argv[1], 1);
  sigset_t caught;
  sigemptyset(&caught);
  for (const int signal : {SIGCHLD, SIGUSR1, SIGTERM}) sigaddset(&caught, signal);
  sigprocmask(SIG_BLOCK, &caught, nullptr);
  const int signals = signalfd(-1, &caught, SFD_CLOEXEC);
  pid_t service = Start(listeners, names, command);
  bool restarts = false;
  for (;;) {
    pollfd ready[] = {{notifications, POLLIN, 0}, {signals, POLLIN, 0}};
    poll(ready, 2, -1);
    if (ready[0].revents != 0) {
      std::string text(4096, '\0');
      text.resize(std::max<ssize_t>(0, recv(notifications, text.data(), text.size(), 0)));
      std::replace(text.begin(), text.end(), '\n', '|');
      std::printf("told %s\n", text.c_str());
    }
    if (ready[1].revents == 0) continue;
    signalfd_siginfo caught_now{};
    if (read(signals, &caught_now, sizeof(caught_now)) < 0) Fail("signals");
    if (caught_now.ssi_signo != SIGCHLD) {
      restarts = caught_now.ssi_signo == SIGUSR1;
      kill(service, SIGTERM);
      continue;
    }
    Reap(service);
    if (!restarts) return 0;
    restarts = false;
    service = Start(listeners, names, command);
  }
}
