/* A server that has every answer ready, so that what is measured is the client.
 *
 *   canned ANSWERS SPIN   prints its port and serves until its parent ends, 15 minutes at most
 *
 * ANSWERS holds, in the machine's own byte order: the number of kinds, the number of answers of
 * each kind, and for every answer its length and its bytes, HTTP head included. The task id in a
 * request's path ends in hexadecimal: 2 digits kind, 2 digits first answer, 8 digits number. Each
 * request for a number gets the next answer.
 *
 * With SPIN=1 it never sleeps: waking a sleeping process on another core costs the client six times
 * the CPU of the request itself.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NUMBERS 65536
#define CONNECTIONS 4096
#define REQUEST 16384

struct answer { uint32_t length; const char *bytes; };
struct connection { size_t held; char request[REQUEST]; };

static struct answer *answers;
static uint32_t kinds, count;
static uint32_t asked[NUMBERS];
static struct connection *connections[CONNECTIONS];

static void die(const char *what) { perror(what); exit(2); }

static void load(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *whole = malloc(size);
    if (!whole || fread(whole, 1, size, file) != (size_t)size) die("reading the answers");
    fclose(file);
    memcpy(&kinds, whole, 4);
    memcpy(&count, whole + 4, 4);
    answers = calloc((size_t)kinds * count, sizeof *answers);
    char *at = whole + 8;
    for (uint32_t i = 0; i < kinds * count; i++) {
        memcpy(&answers[i].length, at, 4);
        answers[i].bytes = at + 4;
        at += 4 + answers[i].length;
    }
}

static uint32_t hex(const char *digits, int length)
{
    char text[9];
    memcpy(text, digits, length);
    text[length] = 0;
    return strtoul(text, NULL, 16);
}

static const struct answer *answer_to(const char *request)
{
    const char *task = strstr(request, "/sink-tasks/");
    if (!task || strnlen(task, 48) < 48) return NULL;
    const char *group = task + 12 + 24; /* the last 12 digits of a UUID */
    uint32_t kind = hex(group, 2), first = hex(group + 2, 2), number = hex(group + 4, 8);
    if (kind >= kinds || number >= NUMBERS) return NULL;
    return &answers[kind * count + (first + asked[number]++) % count];
}

static int send_all(int fd, const struct answer *answer)
{
    uint32_t sent = 0;
    while (sent < answer->length) {
        ssize_t n = send(fd, answer->bytes + sent, answer->length - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += n;
        } else if (errno == EAGAIN) {
            struct pollfd room = {fd, POLLOUT, 0};
            poll(&room, 1, 1000);
        } else {
            return -1;
        }
    }
    return 0;
}

static void end(int fd)
{
    free(connections[fd]);
    connections[fd] = NULL;
    close(fd);
}

static void serve(int fd)
{
    struct connection *c = connections[fd];
    ssize_t n = recv(fd, c->request + c->held, REQUEST - 1 - c->held, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) end(fd);
        return;
    }
    c->held += n;
    c->request[c->held] = 0;
    char *stop;
    while ((stop = strstr(c->request, "\r\n\r\n"))) {
        const struct answer *answer = answer_to(c->request);
        if (!answer || send_all(fd, answer) < 0) {
            end(fd);
            return;
        }
        c->held -= stop + 4 - c->request;
        memmove(c->request, stop + 4, c->held + 1);
    }
    if (c->held >= REQUEST - 1) end(fd);
}

static int listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) || listen(fd, 1024)) die("listening");
    if (getsockname(fd, (struct sockaddr *)&address, &length)) die("listening");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void greet(int poller, int door)
{
    int fd, yes = 1;
    while ((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= CONNECTIONS || !(connections[fd] = calloc(1, sizeof **connections))) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: canned ANSWERS SPIN\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    alarm(900);
    load(argv[1]);
    int door = listener(), wait = atoi(argv[2]) ? 0 : -1, poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = door}, ready[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, door, &event);
    for (;;) {
        int n = epoll_wait(poller, ready, 256, wait);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.fd == door)
                greet(poller, door);
            else if (connections[ready[i].data.fd])
                serve(ready[i].data.fd);
        }
    }
}
