import { testRule } from '../../../test/support/rule-tester.ts';
import { pluginInstalled } from './rule.ts';

testRule(pluginInstalled, import.meta.dirname);
