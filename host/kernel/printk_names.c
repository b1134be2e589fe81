/* SPDX-License-Identifier: MIT */
/* Levels and facilities, as dmesg(1) and syslog(3) have them. */
#include "host/kernel/printk_ring.h"

const char *printk_level_name(unsigned level)
{
	static const char *const names[] = {
		"emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"};

	return level < sizeof(names) / sizeof(names[0]) ? names[level] : NULL;
}

const char *printk_facility_name(unsigned facility)
{
	static const char *const names[] = {"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
		"uucp", "cron", "authpriv", "ftp", NULL, NULL, NULL, NULL, "local0", "local1", "local2",
		"local3", "local4", "local5", "local6", "local7"};

	return facility < sizeof(names) / sizeof(names[0]) ? names[facility] : NULL;
}
