import { testRule } from '../../../test/support/rule-tester.ts';
import { pluginServices } from './rule.ts';

testRule(pluginServices, import.meta.dirname);
